// A store whose writes can be made to fail, as LevelDB's do: the failed batch may be on disk or not, but isn't shown, and
// nothing more is written until the disk recovers and the store is opened again.

import { RejoinError } from '../../src/errors.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Entry, Range, Store, Write } from '../../src/store/store.ts';

export class FaultyStore implements Store {
  private readonly shownDisk = new MemoryDisk();
  private readonly shown = new MemoryStore(this.shownDisk);
  /** What a failed batch has left behind: it shows when the store is opened again. */
  private readonly leftBehind: (readonly Write[])[] = [];
  private next: 'works' | 'is lost' | 'is stored' = 'works';
  private hasFailed = false;
  private isOpening = false;
  /** Whether probes fail: the disk is full, or broken. */
  isBroken = false;
  /** How often `reopen` fails before it works. */
  reopenFailures = 0;
  probed = 0;
  reopened = 0;

  /** No write fails that was to, but for one that is under way. */
  cancelFailure(): void {
    this.next = 'works';
  }

  /** Whether a write has failed, or is about to, and the store was not opened again since. */
  get isFailed(): boolean {
    return this.hasFailed;
  }

  /** The next write fails; what it wrote is on disk all the same, or not. */
  failNext(outcome: 'is lost' | 'is stored'): void {
    this.next = outcome;
  }

  async write(batch: readonly Write[]): Promise<void> {
    if (this.hasFailed || this.isOpening)
      throw new RejoinError('unavailable', 'Nothing was written: the store failed', { cause: diskFull() });
    if (this.next === 'works' && !this.isBroken) {
      await this.shown.write(batch);
      return;
    }
    if (this.next === 'is stored') this.leftBehind.push(batch);
    this.next = 'works';
    this.hasFailed = true;
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate); // a failing disk takes its time
    throw new RejoinError('outcome-unknown', 'The outcome is unknown: the store failed', {
      cause: diskFull(),
    });
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.checkOpen();
    return this.shown.get(key);
  }

  async *scan(range: Range): AsyncGenerator<readonly Entry[]> {
    this.checkOpen();
    for await (const page of this.shown.scan(range)) {
      this.checkOpen();
      yield page;
    }
  }

  async probe(): Promise<void> {
    this.probed++;
    await new Promise(setImmediate);
    if (this.isBroken) throw new Error('ENOSPC: no space left on device, write');
  }

  async approximateSize(range: Range): Promise<number> {
    this.checkOpen();
    return this.shown.approximateSize(range);
  }

  compact(): Promise<void> {
    return this.shown.compact();
  }

  async reopen(): Promise<void> {
    this.isOpening = true;
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    if (this.reopenFailures > 0) {
      this.reopenFailures--;
      throw new Error('an injected failure of reopening'); // and it stays closed
    }
    await this.shown.reopen();
    for (const batch of this.leftBehind.splice(0)) await this.shown.write(batch);
    this.isOpening = false;
    this.hasFailed = false;
    this.reopened++;
  }

  close(): Promise<void> {
    return this.shown.close();
  }

  private checkOpen(): void {
    if (this.isOpening) throw new RejoinError('unavailable', 'The store is closed');
  }
}

function diskFull(): Error {
  return new Error('IO error: db/000003.log: No space left on device');
}
