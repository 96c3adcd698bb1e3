// How long to wait before the next try: twice as long each time, and any part of that, so that the clients of a server
// that restarts don't come back all at once.

import type { ClientEnvironment } from './client-environment.ts';

const firstMs = 250;
const longestMs = 30_000;

export class Backoff {
  private tries = 0;

  constructor(private readonly environment: Pick<ClientEnvironment, 'random'>) {}

  /** The next wait, in milliseconds. */
  next(): number {
    const limitMs = Math.min(longestMs, firstMs * 2 ** this.tries);
    if (limitMs < longestMs) this.tries++;
    return this.environment.random() * limitMs;
  }

  /** All is well: the next wait is a short one. */
  reset(): void {
    this.tries = 0;
  }
}
