// The hash of whatever a session comes to is the plain one: 1,000 documents of the campaign. The long one:
// `npm run campaign -- udt-hash`. It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runUdtHash } from '../campaigns/udt-hash.ts';
import { testSeed } from '../support/seed.ts';

const property = suite('udt-hash-property');

property('UDT-2 1,000 random documents with edits have the plain hash', async () => {
  const figures = await runUdtHash({ rounds: 1000, seed: testSeed('udt-hash-property') });
  assert.equal(figures.problems, []);
  const { long, states, patches, updates, loads } = figures;
  for (const [count, least] of [
    [long, 5],
    [states, 4000],
    [patches, 1000],
    [updates, 500],
    [loads, 100],
  ] as const)
    assert.ok(count >= least, `it would show nothing: ${JSON.stringify(figures)}`);
});

property.run();
