// Time that passes only when a test lets it, for code that waits: everything that is due is run in its order, and what
// follows from it before the next.

import type { LinkTimers } from '../../src/replication/link-transport.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class SimulatedTime implements LinkTimers {
  nowMs = 0;
  private readonly timers: Timer[] = [];

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, run };
    let at = this.timers.length;
    while (at > 0 && this.timers[at - 1]!.atMs > timer.atMs) at--;
    this.timers.splice(at, 0, timer); // behind those that are due at the same time
    return () => {
      const place = this.timers.indexOf(timer);
      if (place >= 0) this.timers.splice(place, 1);
    };
  }

  /** Resolves after so much of this time. */
  passes(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** Lets so much time pass, and everything happen that is due in it. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs;
    await settled();
    for (let next = this.timers[0]; next && next.atMs <= untilMs; next = this.timers[0]) {
      this.timers.shift();
      this.nowMs = next.atMs;
      next.run();
      await settled();
    }
    this.nowMs = untilMs;
  }

  /** Lets time pass until `isSo`, in steps. @returns whether it came to that within `limitMs`. */
  async until(isSo: () => boolean, limitMs: number): Promise<boolean> {
    for (const endMs = this.nowMs + limitMs; this.nowMs < endMs;) {
      if (isSo()) return true;
      await this.advance(50);
    }
    return isSo();
  }
}

/** All that follows without time passing has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
