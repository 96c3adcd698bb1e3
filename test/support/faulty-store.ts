// A store whose writes can be made to fail, as LevelDB's do: the failed batch may be on disk or not, and nothing more is
// written until it is opened again.

import { RejoinError } from '../../src/errors.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Entry, Range, Store, Write } from '../../src/store/store.ts';

export class FaultyStore implements Store {
  private readonly inner = new MemoryStore();
  private next: 'works' | 'is lost' | 'is stored' = 'works';
  private hasFailed = false;
  /** How often `reopen` fails before it works. */
  reopenFailures = 0;
  reopened = 0;

  /** The next write fails; what it wrote is on disk all the same, or not. */
  failNext(outcome: 'is lost' | 'is stored'): void {
    this.next = outcome;
  }

  async write(batch: readonly Write[]): Promise<void> {
    if (this.hasFailed) throw new RejoinError('unavailable', 'Nothing was written: the store failed');
    if (this.next === 'works') {
      await this.inner.write(batch);
      return;
    }
    const isStored = this.next === 'is stored';
    this.next = 'works';
    this.hasFailed = true;
    if (isStored) await this.inner.write(batch);
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate); // a failing disk takes its time
    throw new RejoinError('outcome-unknown', 'The outcome is unknown: an injected failure');
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.inner.get(key);
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return this.inner.scan(range);
  }

  compact(): Promise<void> {
    return this.inner.compact();
  }

  async reopen(): Promise<void> {
    if (this.reopenFailures > 0) {
      this.reopenFailures--;
      throw new Error('an injected failure of reopening');
    }
    await this.inner.reopen();
    this.hasFailed = false;
    this.reopened++;
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
