// The store in memory: for tests and simulations, and as the plainest statement of what a store does.

import { RejoinError } from '../errors.ts';
import { CommitQueue } from './commit-queue.ts';
import { pageEntriesMax, type Entry, type Range, type Store, type Write } from './store.ts';

/** What survives when a memory store is closed: hand it to the next one to "restart". */
export class MemoryDisk {
  /** Sorted by key. */
  entries: readonly Entry[] = [];
}

export class MemoryStore implements Store {
  private readonly commits = new CommitQueue(async (batch) => {
    await new Promise(setImmediate); // a disk takes its time: writers behind us form a group
    this.disk.entries = merged(this.disk.entries, batch);
  });
  private closed = false;

  constructor(private readonly disk: MemoryDisk = new MemoryDisk()) {}

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.closed) return Promise.reject(closedError());
    const { entries } = this.disk;
    const at = entries[lowerBound(entries, key)];
    return Promise.resolve(at && Buffer.compare(at.key, key) === 0 ? at.value : undefined);
  }

  async *scan({ from, before, reverse = false, limit = Infinity }: Range): AsyncGenerator<readonly Entry[]> {
    if (this.closed) throw closedError();
    const { entries } = this.disk;
    const found = entries.slice(lowerBound(entries, from), lowerBound(entries, before));
    if (reverse) found.reverse();
    const wanted = found.slice(0, limit);
    for (let i = 0; i < wanted.length; i += pageEntriesMax) {
      await new Promise(setImmediate);
      yield wanted.slice(i, i + pageEntriesMax);
    }
  }

  write(batch: readonly Write[]): Promise<void> {
    return this.commits.write(batch);
  }

  approximateSize({ from, before }: Range): Promise<number> {
    if (this.closed) return Promise.reject(closedError());
    const { entries } = this.disk;
    const found = entries.slice(lowerBound(entries, from), lowerBound(entries, before));
    return Promise.resolve(found.reduce((sum, { key, value }) => sum + key.length + value.length, 0));
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return this.closed ? Promise.reject(closedError()) : Promise.resolve();
  }

  async reopen(): Promise<void> {
    await this.commits.idle();
    this.commits.accept();
    this.closed = false;
  }

  async close(): Promise<void> {
    await this.commits.idle();
    this.commits.refuse('the store is closed');
    this.closed = true;
  }
}

function closedError(): RejoinError {
  return new RejoinError('unavailable', 'The store is closed');
}

/** The index of the first entry whose key is not below `key`. */
function lowerBound(entries: readonly Entry[], key: Uint8Array): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry && Buffer.compare(entry.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merged(entries: readonly Entry[], batch: readonly Write[]): Entry[] {
  const next = entries.slice();
  for (const { key, value } of batch) {
    const index = lowerBound(next, key);
    const at = next[index];
    const exists = at !== undefined && Buffer.compare(at.key, key) === 0;
    if (value === null) next.splice(index, exists ? 1 : 0);
    else next.splice(index, exists ? 1 : 0, { key, value });
  }
  return next;
}
