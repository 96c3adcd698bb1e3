// Removes all keys of a range in batches of bounded size, as sessions that were not finished and purges do.

import type { Range, Store } from './store.ts';

export interface RemovalOptions {
  /** Only keys that it is true of; all by default. */
  readonly isMeant?: (key: Uint8Array) => boolean;
  /** Gives up between two batches. */
  readonly stopping?: AbortSignal | undefined;
  /** Is called with how many keys were removed by each batch. */
  readonly onRemoved?: ((keys: number) => void) | undefined;
}

/**
 * Page by page: no scan is open while the store drops what it has shown. Each page begins behind the last one, since
 * LevelDB goes through all that was removed before it.
 * @throws whatever the signal was aborted with.
 */
export async function removeRange(store: Store, range: Range, options: RemovalOptions = {}): Promise<void> {
  const { isMeant = (): boolean => true, stopping, onRemoved } = options;
  for (let { from } = range; ;) {
    const keys: Uint8Array[] = [];
    for await (const page of store.scan({ ...range, from, limit: keysPerBatch }))
      for (const { key } of page) keys.push(key);
    const last = keys.at(-1);
    if (!last) return;
    stopping?.throwIfAborted();
    const meant = keys.filter(isMeant);
    if (meant.length > 0) await store.write(meant.map((key) => ({ key, value: null })));
    onRemoved?.(meant.length);
    from = Buffer.concat([last, Buffer.from([0])]); // the first key behind it
  }
}

const keysPerBatch = 512;
