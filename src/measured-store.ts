// A store in front of another that measures how long its writes take to become durable. The composition root puts it
// between the core and LevelDB.

import type { Entry, Range, Store, Write } from './store/store.ts';

export class MeasuredStore implements Store {
  /** @param start is called with each write, and what it returns when the write has ended. */
  constructor(
    private readonly inner: Store,
    private readonly start: () => (isDurable: boolean) => void,
  ) {}

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.inner.get(key);
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return this.inner.scan(range);
  }

  write(batch: readonly Write[]): Promise<void> {
    const end = this.start();
    const written = this.inner.write(batch);
    written.then(
      () => end(true),
      () => end(false), // whoever wrote hears of it
    );
    return written;
  }

  approximateSize(range: Range): Promise<number> {
    return this.inner.approximateSize(range);
  }

  compact(range: Range): Promise<void> {
    return this.inner.compact(range);
  }

  probe(): Promise<void> {
    return this.inner.probe();
  }

  reopen(): Promise<void> {
    return this.inner.reopen();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
