// The short bit-rot campaign: 6 flips. The long one: `npm run campaign -- bitrot`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runBitrot } from './campaigns/bitrot.ts';
import { testSeed } from './support/seed.ts';

const test = suite('bit rot');

test('6 flipped bits: nothing wrong is served, nothing is lost without a word, no number is used twice', async () => {
  const figures = await runBitrot({ rounds: 6, seed: testSeed('bitrot'), writes: 600 });
  assert.equal(figures.problems, []);
  assert.is(figures.rounds, 6);
  const { outcomes, acknowledged } = figures;
  assert.ok(outcomes.detected > 0, 'no flip was detected: the check would show nothing');
  for (const [wire, count] of Object.entries(acknowledged))
    assert.ok(count >= 50, `only ${count} acknowledged writes on ${wire}: the check would show nothing`);
});

test.run();
