// Keeps a log readable: of lines that say the same, the first of every ten seconds is written, with the number of those
// that were left out before it.

import type { Environment } from './model/environment.ts';

const quietMs = 10_000;
/** Lines that are remembered; of more than these the oldest is forgotten, and may come again too soon. */
const linesMax = 1_000;

interface Line {
  readonly writtenMs: number;
  leftOut: number;
}

export class Repeats {
  private readonly lines = new Map<string, Line>();

  constructor(private readonly environment: Environment) {}

  /** How many lines of this name were left out since the last that was written, or null: leave this one out too. */
  admit(name: string): number | null {
    const nowMs = this.environment.now();
    const last = this.lines.get(name);
    if (last && Math.abs(nowMs - last.writtenMs) < quietMs) {
      last.leftOut++;
      return null;
    }
    this.lines.delete(name); // so that the map's first is the oldest
    this.lines.set(name, { writtenMs: nowMs, leftOut: 0 });
    const [oldest] = this.lines.keys();
    if (this.lines.size > linesMax && oldest !== undefined) this.lines.delete(oldest);
    return last?.leftOut ?? 0;
  }
}
