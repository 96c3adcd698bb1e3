// A scan that says how far it is, by what the database takes on disk up to there. For those who read all of it.

import type { Entry, Range, Store } from './store.ts';

/** Bytes on disk, about. */
export type OnProgress = (done: number, total: number) => void;

const pagesPerStep = 16;

/** As `Store.scan`. */
export async function* scanWithProgress(
  store: Store,
  range: Range,
  onProgress: OnProgress = () => undefined,
): AsyncGenerator<readonly Entry[]> {
  const total = await store.approximateSize(range);
  let pages = 0;
  onProgress(0, total);
  for await (const page of store.scan(range)) {
    yield page;
    const last = page.at(-1);
    if (++pages % pagesPerStep !== 0 || !last) continue;
    onProgress(Math.min(total, await store.approximateSize({ ...range, before: last.key })), total);
  }
  onProgress(total, total);
}
