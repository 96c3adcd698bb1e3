// What a Yjs client was already asked for (YJS-8): its own pending changes come with every step 2, and asking each time
// would go on for ever.

import type { Environment } from '../model/environment.ts';

const firstPauseMs = 1_000;
const lastPauseMs = 60_000;
const rangesMax = 100;

export class MissingAsked {
  private readonly asked = new Map<string, { againMs: number; pauseMs: number }>();

  constructor(private readonly environment: Environment) {}

  /** Whether to ask for these ranges now: the first time, and then with longer and longer pauses. */
  mayAskFor(ranges: string): boolean {
    const nowMs = this.environment.now();
    const last = this.asked.get(ranges);
    if (last && nowMs < last.againMs) return false;
    const pauseMs = last ? Math.min(2 * last.pauseMs, lastPauseMs) : firstPauseMs;
    this.asked.delete(ranges);
    const oldest = this.asked.keys().next();
    if (this.asked.size >= rangesMax && !oldest.done) this.asked.delete(oldest.value);
    this.asked.set(ranges, { againMs: nowMs + pauseMs, pauseMs });
    return true;
  }
}
