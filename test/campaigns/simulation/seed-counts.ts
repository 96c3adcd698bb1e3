// What many runs of the simulation come to.

import type { SimulationResult } from '../../simulation/simulation.ts';

export class SeedCounts {
  /** How many were run. */
  seeds = 0;
  /** Name of a count → its sum over all seeds. */
  readonly sums: Record<string, number> = {};

  add({ counts }: Pick<SimulationResult, 'counts'>): void {
    this.seeds++;
    for (const [name, count] of Object.entries(counts)) this.sums[name] = (this.sums[name] ?? 0) + count;
  }
}
