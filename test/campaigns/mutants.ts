// The mutants campaign: plants faults in a copy of the source, one at a time, and runs the simulation until it notices. A fault that
// it doesn't notice is a hole in the simulation.

import type { Outcome } from './outcome.ts';
import { FaultyCopy } from './mutants/faulty-copy.ts';
import { plantedFaults, type PlantedFault } from './mutants/faults.ts';
import { runSeedsIn } from './simulation/seeds-process.ts';

/** Only a fault that nobody notices takes as long, or one that keeps a run from ending. */
const timeoutMs = 5 * 60 * 1000;

/**
 * @param rounds how many seeds there are for each fault; `seed` is the first.
 * @param only a part of the names of those faults that are planted; default: all are.
 */
export async function mutantsCampaign({
  rounds,
  seed,
  only = '',
}: {
  readonly rounds: number;
  readonly seed: number;
  readonly only?: string | undefined;
}): Promise<Outcome> {
  const planted = plantedFaults.filter(({ name }) => name.includes(only));
  const copy = await FaultyCopy.make();
  const figures: Record<string, string | number> = {};
  const problems: string[] = [];
  let noticed = 0;
  try {
    const whole = await runFault(copy, { name: 'no fault', edits: [] }, { rounds: 5, seed });
    if (whole.caughtAfter !== null) problems.push(`without a fault: ${whole.how}`);
    for (const fault of planted) {
      const { caughtAfter, how } = await runFault(copy, fault, { rounds, seed }).catch(couldNotBePlanted);
      if (caughtAfter !== null) noticed++;
      else problems.push(`"${fault.name}" was not noticed in ${rounds} seeds: ${how}`);
      figures[fault.name] = caughtAfter === null ? '**not noticed**' : `noticed at seed no. ${caughtAfter}`;
      console.log(`${fault.name}: ${figures[fault.name]}: ${how}`);
    }
  } finally {
    await copy.remove();
  }
  return {
    hasFailed: problems.length > 0,
    figures: { 'planted faults': planted.length, noticed, ...figures },
    problems,
  };
}

/** @returns how many seeds it took, or null if it wasn't noticed; and by what. */
function runFault(
  copy: FaultyCopy,
  fault: PlantedFault,
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
): Promise<{ caughtAfter: number | null; how: string }> {
  return copy.with(fault, async () => {
    const { folder } = copy;
    const request = { folder, first: seed, count: rounds, untilFailed: true, timeoutMs };
    const outcome = await runSeedsIn(request);
    if (outcome.type === 'broken') return { caughtAfter: 1, how: outcome.problem };
    const { seeds, failed } = outcome.report;
    const [first] = failed;
    if (!first) return { caughtAfter: null, how: 'nothing was wrong' };
    return { caughtAfter: seeds, how: first.problems[0]?.slice(0, 200) ?? '' };
  });
}

/** The other faults are run all the same. */
function couldNotBePlanted(error: unknown): { caughtAfter: null; how: string } {
  return { caughtAfter: null, how: error instanceof Error ? error.message : String(error) };
}
