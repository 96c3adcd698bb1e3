// Counts how many entries are read from a store: what tells a test what a reader costs.

import type { Store } from '../../src/store/store.ts';

export interface CountedEntries {
  /** How many were read since the last time this was called. */
  taken(): number;
}

/** @param store has its `get` and `scan` replaced. */
export function countEntries(store: Store): CountedEntries {
  let entries = 0;
  const get = store.get.bind(store);
  const scan = store.scan.bind(store);
  store.get = (key) => {
    entries++;
    return get(key);
  };
  store.scan = async function* (range) {
    for await (const page of scan(range)) {
      entries += page.length;
      yield page;
    }
  };
  return {
    taken: () => {
      const before = entries;
      entries = 0;
      return before;
    },
  };
}
