// The simulation campaign (REP-5): the real core and links on a simulated clock, network and disks, one run for each seed. `npm
// test` runs some fresh seeds of it.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe } from '../simulation/simulation.ts';
import type { Outcome } from './outcome.ts';
import { SeedCounts } from './simulation/seed-counts.ts';
import { runSeedsIn } from './simulation/seeds-process.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const seedsAtOnce = 50;
const problemsTold = 10;

/** @param rounds is the number of seeds; `seed` is the first; `jobs` is how many processes run them. */
export async function simulationCampaign({
  rounds,
  seed,
  jobs = availableParallelism(),
}: {
  readonly rounds: number;
  readonly seed: number;
  readonly jobs?: number | undefined;
}): Promise<Outcome> {
  const startedMs = Date.now();
  const counts = new SeedCounts();
  const problems: string[] = [];
  let failed = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < rounds && failed < problemsTold) {
      const first = seed + next;
      const count = Math.min(seedsAtOnce, rounds - next);
      next += count;
      const request = { folder: repository, first, count, untilFailed: false, maxEndless: problemsTold };
      const { results, endless, broken } = await runSeedsIn(request);
      const found = results.filter((result) => result.problems.length > 0).map(describe);
      if (broken !== null) found.push(`seeds ${first} to ${first + count - 1}: ${broken}`);
      for (const endlessSeed of endless) found.push(`seed ${endlessSeed} did not end`);
      for (const result of results) counts.add(result);
      failed += found.length;
      problems.push(...found);
      for (const problem of found) console.log(problem); // a long campaign isn't waited for
      console.log(`${counts.seeds} seeds, ${failed} failed`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const { seeds, sums } = counts;
  const sum = (name: string): number => sums[name] ?? 0;
  const hasShownLittle = [
    'crashes',
    'restores',
    'partitions',
    'deletions',
    'moves',
    'failures',
    'compactions',
  ].some((name) => !sum(name));
  if (hasShownLittle) problems.push(`it would show nothing: ${JSON.stringify(sums)}`);
  return {
    hasFailed: problems.length > 0,
    figures: {
      'seeds, each with 3 servers, 9 clients, 300 steps': seeds,
      'seeds that failed': failed,
      'acknowledged writes (stream, UDT, Yjs)': `${sum('acknowledgedByStream')}, ${sum('acknowledgedByUdt')}, ${sum('acknowledgedByYjs')}`,
      'changes in the logs': sum('changes'),
      'crashes, restores from an old copy': `${sum('crashes')}, ${sum('restores')}`,
      'writes that were lost with the disk of the only server that had them': sum('forgiven'),
      'partitions, broken links, clients that moved': `${sum('partitions')}, ${sum('cuts')}, ${sum('moves')}`,
      'deletions and undeletions, purges, documents closed': `${sum('deletions')}, ${sum('purges')}, ${sum('closes')}`,
      'disks that took no writes for a while': sum('failures'),
      'sessions made in slices, servers started on the disk of another': `${sum('slicedSessions')}, ${sum('twins')}`,
      'links that broke, and servers that crashed, in the middle of a snapshot': `${sum('snapshotCuts')}, ${sum('snapshotCrashes')}`,
      'records whose update was compacted away, in every other seed': sum('compactions'),
      'simulated events': sum('events'),
      duration: `${Math.round((Date.now() - startedMs) / 1000)} s`,
    },
    problems,
  };
}
