// The hash of whatever a session comes to is the plain one: 400 documents of the campaign. The long one:
// `npm run campaign -- udt-hash`. It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runUdtHash } from '../campaigns/udt-hash.ts';
import { checkHashedDocument } from '../campaigns/udt-hash/hashed-document.ts';
import { testSeed } from '../support/seed.ts';

const property = suite('udt-hash-property');

property('UDT-2 400 random documents with edits have the plain hash', async () => {
  const figures = await runUdtHash({ rounds: 400, seed: testSeed('udt-hash-property') });
  assert.equal(figures.problems, []);
  const { long, states, patches, updates, loads } = figures;
  for (const [count, least] of [
    [long, 1],
    [states, 1600],
    [patches, 400],
    [updates, 200],
    [loads, 40],
  ] as const)
    assert.ok(count >= least, `it would show nothing: ${JSON.stringify(figures)}`);
});

property('UDT-2 a session in which a patch could name an element of an array by 00', async () => {
  const counts = { states: 0, patches: 0, updates: 0, loads: 0, long: 0 };
  await checkHashedDocument(933_917_754, 40, counts);
  assert.ok(counts.patches > 0);
});

property.run();
