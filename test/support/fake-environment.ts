// A clock that a test moves, chance that it chooses, and uuids that it can tell.

import type { ClientEnvironment } from '../../src/client/client-environment.ts';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class FakeEnvironment implements ClientEnvironment {
  private nowMs: number;
  private uuidsMade = 0;
  private readonly timers = new Set<Timer>();

  constructor(
    startMs = Date.parse('2024-05-17T09:30:00.000Z'),
    /** What `random` gives. */
    public chance = 0.5,
  ) {
    this.nowMs = startMs;
  }

  now(): number {
    return this.nowMs;
  }

  random(): number {
    return this.chance;
  }

  uuid(): string {
    return `uuid-${++this.uuidsMade}`;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** The waits that are under way, the shortest first. */
  waitsMs(): number[] {
    return [...this.timers].map(({ atMs }) => atMs - this.nowMs).sort((a, b) => a - b);
  }

  /** Moves the clock, and has all timers called that are due, in their order. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = [...this.timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > untilMs) break;
      this.timers.delete(next);
      this.nowMs = next.atMs;
      next.callback();
    }
    this.nowMs = untilMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
