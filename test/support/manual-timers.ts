// Timers that run when a test says so.

import type { LinkTimers } from '../../src/replication/link-transport.ts';

interface Waiting {
  readonly delayMs: number;
  readonly run: () => void;
}

export class ManualTimers implements LinkTimers {
  private readonly waiting = new Set<Waiting>();

  after(delayMs: number, run: () => void): () => void {
    const timer = { delayMs, run };
    this.waiting.add(timer);
    return () => this.waiting.delete(timer);
  }

  /** The delays of those that wait, in the order in which they were set. */
  get delays(): readonly number[] {
    return [...this.waiting].map(({ delayMs }) => delayMs);
  }

  /** Runs those that wait now and fit; what they set in turn waits. @returns how many there were. */
  run(fits: (delayMs: number) => boolean = () => true): number {
    const due = [...this.waiting].filter(({ delayMs }) => fits(delayMs));
    for (const timer of due) {
      this.waiting.delete(timer);
      timer.run();
    }
    return due.length;
  }
}
