// Reads all tables of the database in the background and checks every block, slowly: so that damage is found before
// somebody needs what is damaged, while a backup or another server still has it. The data folder starts and stops it.

import { setTimeout as sleep } from 'node:timers/promises';
import { checkTables } from './check-tables.ts';

export interface ScrubOptions {
  /** Is told of each damaged table, in a sentence: once, while it is there. */
  readonly onDamage: (detail: string) => void;
  /** Before the first time, and between one end and the next beginning. Milliseconds. */
  readonly firstMs?: number;
  readonly everyMs?: number;
  readonly bytesPerSecond?: number;
}

const defaults = { firstMs: 60_000, everyMs: 24 * 60 * 60 * 1_000, bytesPerSecond: 8 * 1024 * 1024 } as const;

/** Between two pauses. */
const stepBytes = 256 * 1024;

export class Scrub {
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private readonly told = new Set<string>();
  private unpacedBytes = 0;
  private readonly options: Required<ScrubOptions>;

  /** Starts to work in the background; nothing waits for it. */
  constructor(
    private readonly folder: string,
    options: ScrubOptions,
  ) {
    this.options = { ...defaults, ...options };
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let waitMs = this.options.firstMs;
    try {
      for (;;) {
        await this.wait(waitMs);
        await this.checkAll();
        waitMs = this.options.everyMs;
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  private async checkAll(): Promise<void> {
    const names = await checkTables(this.folder, {
      onDamage: (name, problem) => this.tell(name, problem),
      pace: (bytes) => this.pace(bytes),
      stopping: this.stopping.signal,
    });
    for (const name of this.told) if (!names.includes(name)) this.told.delete(name);
  }

  private tell(name: string, problem: string): void {
    if (this.told.has(name)) return;
    this.told.add(name);
    this.options.onDamage(`The database is damaged: ${name}: ${problem}`);
  }

  private async pace(bytes: number): Promise<void> {
    this.unpacedBytes += bytes;
    if (this.unpacedBytes < stepBytes) return;
    const waitMs = (this.unpacedBytes / this.options.bytesPerSecond) * 1_000;
    this.unpacedBytes = 0;
    await this.wait(waitMs);
  }

  private async wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal, ref: false });
  }
}
