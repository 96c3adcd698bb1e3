// Round after round of a failing disk, with the figures so far, until one finds a problem. Each campaign has its own way to
// make the disk fail.

import { Chance } from '../kill9/chance.ts';
import { figuresOf, type FailingFigures } from './failing-figures.ts';
import type { FailingRound } from './failing-round.ts';

export interface FailingDiskOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Called after each round with the figures so far. */
  readonly onRound?: (round: number, figures: FailingFigures) => void;
}

export async function runRounds(
  { rounds, seed, onRound }: FailingDiskOptions,
  runOne: (round: number, chance: Chance) => Promise<FailingRound>,
): Promise<FailingFigures> {
  const chance = new Chance(seed);
  const done: FailingRound[] = [];
  for (let round = 1; round <= rounds && figuresOf(done).problems.length === 0; round++) {
    done.push(await runOne(round, chance));
    onRound?.(round, figuresOf(done));
  }
  return figuresOf(done);
}
