// How long to wait before a lost peer, or a project that can't be taken from one, is tried again (REP-12): longer each time, and by
// chance, so that servers that have lost one peer at the same moment don't come back to it at the same moment.

import { randomInteger, type Environment } from '../model/environment.ts';

export interface RetryLimits {
  readonly shortestMs: number;
  readonly longestMs: number;
}

export const defaultRetryLimits: RetryLimits = { shortestMs: 1_000, longestMs: 30_000 };

export class RetryPauses {
  private tries = 0;

  constructor(
    private readonly environment: Environment,
    private readonly limits: RetryLimits = defaultRetryLimits,
  ) {}

  /** The next pause, in milliseconds: from the shortest to a bound that doubles up to the longest. */
  next(): number {
    const { shortestMs, longestMs } = this.limits;
    const boundMs = Math.min(longestMs, shortestMs * 2 ** (this.tries + 1));
    if (boundMs < longestMs) this.tries++;
    const part = randomInteger(this.environment, 32) / 2 ** 32;
    return shortestMs + part * (boundMs - shortestMs);
  }

  /** When trying again soon would help nobody. */
  longest(): number {
    return this.limits.longestMs;
  }

  /** All is well: the next pause is a short one. */
  reset(): void {
    this.tries = 0;
  }
}
