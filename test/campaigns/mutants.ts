// The mutants campaign: plants faults in a copy of the source, one at a time, and runs the simulation until it notices. A fault that
// it doesn't notice is a hole in the simulation.

import type { Outcome } from './outcome.ts';
import { FaultyCopy } from './mutants/faulty-copy.ts';
import { plantedFaults, type PlantedFault } from './mutants/faults.ts';
import { runSeedsIn } from './simulation/seeds-process.ts';

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
    if (whole.as !== null) problems.push(`without a fault: ${whole.how}`);
    for (const fault of planted) {
      const { as, how } = await runFault(copy, fault, { rounds, seed }).catch(couldNotBePlanted);
      if (as !== null) noticed++;
      else problems.push(`"${fault.name}" was not noticed in ${rounds} seeds: ${how}`);
      figures[fault.name] = as ?? '**not noticed**';
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

interface Caught {
  /** What the campaign says of it; null if it wasn't noticed. */
  readonly as: string | null;
  readonly how: string;
}

function runFault(
  copy: FaultyCopy,
  fault: PlantedFault,
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
): Promise<Caught> {
  return copy.with(fault, async () => {
    const request = { folder: copy.folder, first: seed, count: rounds, untilFailed: true };
    const { results, endless, broken } = await runSeedsIn(request);
    const number = results.length + endless.length;
    const problem = broken ?? results.at(-1)?.problems[0];
    const isEndless = endless.length > 0 ? `seeds whose run did not end: ${endless.join(', ')}` : '';
    if (problem !== undefined)
      return { as: `noticed at seed no. ${number}`, how: `${problem.slice(0, 200)} ${isEndless}` };
    if (isEndless) return { as: 'noticed, but only by runs that did not end', how: isEndless };
    return { as: null, how: 'nothing was wrong' };
  });
}

/** The other faults are run all the same. */
function couldNotBePlanted(error: unknown): Caught {
  return { as: null, how: error instanceof Error ? error.message : String(error) };
}
