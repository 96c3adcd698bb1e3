// Runs fresh seeds of the simulation for the test files, each of which takes a part of them so that they run side by side.

import * as assert from 'uvu/assert';
import { SeedCounts } from '../campaigns/simulation/seed-counts.ts';
import { testSeed } from '../support/seed.ts';
import { compacts, describe, simulate } from './simulation.ts';

/** Each of them happens more often than once in two seeds. */
const shown = [
  'crashes',
  'restores',
  'partitions',
  'cuts',
  'moves',
  'deletions',
  'closes',
  'failures',
  'forgiven',
  'slicedSessions',
  'partsOfSessions',
];
/** Snapshots are sent in place of what was compacted away. */
const shownOfSnapshots = ['snapshotCuts', 'snapshotCrashes'];
/** By whom at least so much is acknowledged in a seed, on average. */
const acknowledged = { Stream: 50, Udt: 4, Yjs: 50 };

/**
 * @param areCompacted whether servers drop updates that snapshots cover.
 * @throws Error that says what is wrong with the first seed that fails, or if they have shown too little.
 */
export async function runFreshSeeds(
  name: string,
  { count, areCompacted }: { readonly count: number; readonly areCompacted: boolean },
): Promise<void> {
  const given = testSeed(name);
  const first = compacts(given) === areCompacted ? given : given + 1;
  const counts = new SeedCounts();
  for (let seed = first; counts.seeds < count; seed += 2) {
    const result = await simulate({ seed });
    assert.ok(result.problems.length === 0, describe(result));
    counts.add(result);
  }
  const { sums } = counts;
  const all = JSON.stringify(sums);
  for (const what of areCompacted ? [...shown, ...shownOfSnapshots] : shown)
    assert.ok((sums[what] ?? 0) >= 3, `it would show nothing: ${all}`);
  for (const [wire, least] of Object.entries(acknowledged))
    assert.ok((sums[`acknowledgedBy${wire}`] ?? 0) > count * least, `too little was acknowledged: ${all}`);
  assert.is((sums['compactions'] ?? 0) > 0, areCompacted, all);
}
