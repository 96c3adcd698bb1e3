// Fresh seeds of the simulation: 3 servers, 8 clients, 300 steps each. The long run: `npm run campaign -- simulation`; faults that
// it must notice: `npm run campaign -- mutants`. It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeedCounts } from '../campaigns/simulation/seeds-report.ts';
import { testSeed } from '../support/seed.ts';
import { describe, simulate } from './simulation.ts';

const seeds = 30;

const simulation = suite('simulation');

simulation(
  `REP-5 ${seeds} fresh seeds: all servers become equal, and nothing acknowledged is lost`,
  async () => {
    const first = testSeed('simulation');
    const counts = new SeedCounts();
    for (let seed = first; seed < first + seeds; seed++) {
      const result = await simulate({ seed });
      assert.ok(result.problems.length === 0, describe(result));
      counts.add(result);
    }
    for (const name of [
      'crashes',
      'restores',
      'partitions',
      'cuts',
      'moves',
      'deletions',
      'closes',
      'forgiven',
    ])
      assert.ok((counts.sums[name] ?? 0) >= 3, `it would show nothing: ${JSON.stringify(counts.sums)}`);
    for (const [wire, least] of [
      ['Stream', 50],
      ['Udt', 4],
      ['Yjs', 50],
    ] as const)
      assert.ok(
        (counts.sums[`acknowledgedBy${wire}`] ?? 0) > seeds * least,
        `too little was acknowledged: ${JSON.stringify(counts.sums)}`,
      );
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
