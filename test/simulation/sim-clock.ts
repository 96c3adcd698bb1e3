// The simulated clock: everything that happens in a simulation is an event on it, in one order that the seed decides. The wall
// clocks of the servers are made of it, years off and set back at times.

/** So many events share a turn of the real event loop: what the core puts off by `setImmediate` comes between two turns. */
const eventsPerTurn = 4;
/** After so many turns in which no event was due all that the events have started is done. */
const quietTurns = 6;

interface SimEvent {
  readonly atMs: number;
  /** Of two events at one time the one that was asked for first comes first. */
  readonly order: number;
  run: (() => void) | null;
}

export class SimClock {
  /** Milliseconds since the simulation began. */
  nowMs = 0;
  /** How many events have happened. */
  events = 0;
  private ordered = 0;
  /** A heap: the next event is the first. */
  private readonly heap: SimEvent[] = [];

  /** @returns how to take it back. */
  after(delayMs: number, run: () => void): () => void {
    const event: SimEvent = { atMs: this.nowMs + Math.max(0, delayMs), order: this.ordered++, run };
    this.push(event);
    return () => (event.run = null);
  }

  /** Resolves when that much time has passed. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Lets all happen that is due until then, and what it starts. @throws what an event throws. */
  runTo(untilMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let quiet = 0;
      let hasHappened = false;
      let hasFailed = false;
      const step = (): void => {
        if (hasFailed) return;
        try {
          if (this.runNext(untilMs)) hasHappened = true;
        } catch (error) {
          hasFailed = true;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const turn = (steps: number): void => {
        for (let count = 1; count < steps; count++) setImmediate(step);
        setImmediate(() => {
          step();
          if (hasFailed) return;
          quiet = hasHappened ? 0 : quiet + 1;
          hasHappened = false;
          if (quiet < quietTurns) {
            turn(quiet > 0 ? 1 : eventsPerTurn);
            return;
          }
          this.nowMs = untilMs;
          resolve();
        });
      };
      turn(eventsPerTurn);
    });
  }

  /** @returns whether there was an event. */
  private runNext(untilMs: number): boolean {
    const next = this.heap[0];
    if (!next || next.atMs > untilMs) return false;
    this.pop();
    this.nowMs = next.atMs;
    if (!next.run) return true;
    this.events++;
    next.run();
    return true;
  }

  private push(event: SimEvent): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (!left) break;
      if (right && isBefore(right, left)) below++;
      const child = heap[below];
      if (!child || isBefore(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
