// Notes which records of a project's log and which parts of its snapshots are read from a store: what tells a test whether a
// document was opened. A look at the last key of either, which finds out how far they go, doesn't count.

import { ProjectKeys } from '../../src/store/keys.ts';
import type { Range, Store } from '../../src/store/store.ts';

export interface NotedReads {
  /** How often they were read since the last time this was called. */
  taken(): number;
}

/** @param store has its `get` and `scan` replaced. */
export function noteReads(store: Store, project: string): NotedReads {
  const keys = new ProjectKeys(project);
  const parts = [keys.allRecords(), keys.snapshotsBelow(null)];
  let reads = 0;
  const isIn = (key: Uint8Array, { from, before }: Range): boolean =>
    Buffer.compare(key, from) >= 0 && Buffer.compare(key, before) < 0;
  const get = store.get.bind(store);
  const scan = store.scan.bind(store);
  store.get = (key) => {
    if (parts.some((part) => isIn(key, part))) reads++;
    return get(key);
  };
  store.scan = (range) => {
    const isLookAtEnd = range.limit === 1 && range.reverse === true;
    if (!isLookAtEnd && parts.some((part) => isIn(range.from, part))) reads++;
    return scan(range);
  };
  return {
    taken: () => {
      const before = reads;
      reads = 0;
      return before;
    },
  };
}
