// Reads the records of one server's sequence as they are stored, by their numbers: for another server that has lost them.

import type { SeqnoRange } from './missing-changes.ts';
import type { ProjectKeys } from './keys.ts';
import { readPlace } from './read-place.ts';
import { decodeRecordOrNull } from './record.ts';
import { pageBytesMax, type Entry, type Store } from './store.ts';

/** In pages of about 256 KiB, in the order of the seqnos. What is missing or damaged here is left out. */
export async function* readSequence(
  store: Store,
  keys: ProjectKeys,
  { serverId, first, last }: SeqnoRange,
): AsyncGenerator<readonly Uint8Array[]> {
  let page: Uint8Array[] = [];
  let bytes = 0;
  const range = { from: keys.sequence(serverId, first), before: keys.sequence(serverId, last + 1) };
  for await (const entries of store.scan(range)) {
    for (const entry of entries) {
      const record = await recordOf(store, keys, entry, serverId);
      if (!record) continue;
      page.push(record);
      bytes += record.length;
      if (bytes < pageBytesMax) continue;
      yield page;
      [page, bytes] = [[], 0];
    }
  }
  if (page.length > 0) yield page;
}

/** Null if it can't be read, or if what the index leads to is another one. */
async function recordOf(
  store: Store,
  keys: ProjectKeys,
  { key, value }: Entry,
  serverId: number,
): Promise<Uint8Array | null> {
  const position = readPlace(key, value);
  const stored = position === null ? undefined : await store.get(keys.record(position));
  const record = stored && decodeRecordOrNull(stored);
  if (!stored || !record) return null;
  const isIt =
    Buffer.compare(keys.sequence(serverId, record.seqno), key) === 0 && record.serverId === serverId;
  return isIt ? stored : null;
}
