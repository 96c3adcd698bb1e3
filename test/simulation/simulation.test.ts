// Fresh seeds of the simulation: 3 servers, 9 clients, 300 steps each, without compaction. The long run: `npm run campaign --
// simulation`; faults that it must notice: `npm run campaign -- mutants`. It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testSeed } from '../support/seed.ts';
import { runFreshSeeds } from './fresh-seeds.ts';
import { describe, simulate } from './simulation.ts';

const count = 100;

const simulation = suite('simulation');

simulation(`REP-5 ${count} fresh seeds: all servers become equal, and nothing acknowledged is lost`, () =>
  runFreshSeeds('simulation', { count, areCompacted: false }),
);

simulation(
  'REP-7 seed 1160: a snapshot makes a project no session before its last slice is there',
  async () => {
    const result = await simulate({ seed: 1160 });
    assert.ok(result.problems.length === 0, describe(result));
  },
);

simulation('one seed is one run', async () => {
  const seed = testSeed('simulation, twice');
  const [one, two] = [await simulate({ seed }), await simulate({ seed })];
  assert.equal(two.counts, one.counts);
  assert.is(two.traceHash, one.traceHash);
  assert.ok(one.counts.events > 500);
  assert.is.not((await simulate({ seed: seed + 1 })).traceHash, one.traceHash);
});

simulation.run();
