// What many runs of the simulation come to, and how processes that run them tell it.

import type { SimulationResult } from '../../simulation/simulation.ts';

export interface SeedsReport {
  /** How many were run. */
  readonly seeds: number;
  /** Name of a count → its sum over all seeds. */
  readonly sums: Readonly<Record<string, number>>;
  readonly failed: readonly SimulationResult[];
}

export class SeedCounts {
  seeds = 0;
  readonly sums: Record<string, number> = {};

  add({ counts }: Pick<SimulationResult, 'counts'>): void {
    this.addSums(1, counts);
  }

  addSums(seeds: number, sums: Readonly<Record<string, number>>): void {
    this.seeds += seeds;
    for (const [name, count] of Object.entries(sums)) this.sums[name] = (this.sums[name] ?? 0) + count;
  }
}
