// The short kill -9 campaign: 8 kills. The long one: `npm run campaign -- kill9 --rounds 200`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runKill9 } from './campaigns/kill9.ts';
import { testSeed } from './support/seed.ts';

const kill9 = suite('kill9');

kill9('8 kills lose no acknowledged write, use no number twice, leave no holes', async () => {
  const figures = await runKill9({ rounds: 8, seed: testSeed('kill9') });
  assert.equal(figures.problems, []);
  assert.is(figures.rounds, 8);
  assert.is(figures.lost, 0);
  assert.is(figures.numbersUsedTwice, 0);
  assert.is(figures.holes, 0);
  assert.is(figures.otherProblems, 0);
  for (const [wire, count] of Object.entries(figures.acknowledged)) {
    assert.ok(count >= 100, `only ${count} acknowledged writes on ${wire}: the check would show nothing`);
  }
});

kill9.run();
