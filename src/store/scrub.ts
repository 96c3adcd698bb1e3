// Reads all tables of the database in the background and checks every block, slowly: so that damage is found before
// somebody needs what is damaged, while a backup or another server still has it. The data folder starts and stops it.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { fileNames } from './level-files.ts';
import { readManifest } from './level-manifest.ts';
import { checkTable } from './level-table.ts';
import { isMissing } from './marker.ts';

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
    const names = await this.tables();
    for (const name of names) {
      try {
        const { problems } = await checkTable(join(this.folder, name), {
          withData: true,
          pace: (bytes) => this.pace(bytes),
        });
        if (problems.length > 0) this.tell(name, problems.join(', and '));
      } catch (error) {
        this.stopping.signal.throwIfAborted();
        // Replaced by a newer one meanwhile.
        if (!isMissing(error)) this.tell(name, `it can't be read: ${messageOf(error)}`);
      }
    }
    for (const name of this.told) if (!names.includes(name)) this.told.delete(name);
  }

  /** Those that are finished: LevelDB names a table in its MANIFEST when all of it is on disk. */
  private async tables(): Promise<string[]> {
    try {
      const current = await readFile(join(this.folder, fileNames.current), 'latin1');
      const { tables } = await readManifest(join(this.folder, current.trimEnd()));
      const names = await readdir(this.folder);
      return names.filter((name) => tables.has(Number(fileNames.table.exec(name)?.[1])));
    } catch (error) {
      this.tell(fileNames.current, `the list of tables can't be read: ${messageOf(error)}`);
      return [];
    }
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
