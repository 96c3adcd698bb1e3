// Watches how much memory of its own a process has. The pages of LevelDB's tables, which are mapped and which the system takes
// back when it likes, don't count: reading a large database through would look as if it were kept in memory.

import { readFileSync } from 'node:fs';

const intervalMs = 50;

export class MemoryWatch {
  private mostBytes: number | null = null;
  private readonly timer = setInterval(() => this.look(), intervalMs);

  constructor(private readonly pid: number | undefined) {
    this.look();
  }

  /** The most since the beginning. Null where that can't be told. */
  get peakBytes(): number | null {
    this.look();
    return this.mostBytes;
  }

  end(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    try {
      const status = readFileSync(`/proc/${this.pid ?? 0}/status`, 'utf8');
      const kilobytes = /^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1];
      if (kilobytes !== undefined) this.mostBytes = Math.max(this.mostBytes ?? 0, Number(kilobytes) * 1024);
    } catch {
      // Not every system tells.
    }
  }
}
