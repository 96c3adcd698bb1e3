// What a campaign comes to.

import type { Figures } from './results.ts';

export interface Outcome {
  readonly hasFailed: boolean;
  /** Name → figure, as RESULTS.md shows them. */
  readonly figures: Figures;
  /** What went wrong, in words. */
  readonly problems: readonly string[];
}
