// The times of what a client writes. Rows and comments are shown in the order in which they were first written, so what
// is written later has a later time, also within a millisecond.

import type { ClientEnvironment } from './client-environment.ts';

/** How far a burst of writes may run ahead of the clock; beyond it some have the same time. */
const aheadMsMax = 1_000;

export class AuthorClock {
  private lastMs = 0;

  constructor(private readonly environment: Pick<ClientEnvironment, 'now'>) {}

  /**
   * The time of the next write, in milliseconds since 1970.
   * @param after the time of the version that it follows: where the latest counts, this must be later, whatever the
   *   clocks of the authors say (WS-16).
   */
  next(after?: string): number {
    const nowMs = this.environment.now();
    this.lastMs = Math.max(nowMs, Math.min(this.lastMs + 1, nowMs + aheadMsMax));
    return after === undefined ? this.lastMs : Math.max(this.lastMs, Date.parse(after) + 1);
  }
}
