// Removes versions of `udt` that are older than what is kept (UDT-13): a client that knows only such a version is sent
// the whole state (UDT-10).

import type { ProjectKeys } from '../store/keys.ts';
import { firstOf, type Store, type Write } from '../store/store.ts';
import { deleteVersionRecord } from './idempotency.ts';
import { readOrTell } from './version-record.ts';

/**
 * The newest version stays whatever its age: the next one counts on from it. One that is damaged is of no use and goes with
 * those around it.
 * @returns how many were removed.
 */
export async function pruneVersions(
  store: Store,
  keys: ProjectKeys,
  beforeMs: number,
  onDamage: (detail: string) => void,
): Promise<number> {
  const newest = await firstOf(store, { ...keys.allVersions(), reverse: true });
  if (!newest) return 0;
  let removed = 0;
  for await (const page of store.scan({ ...keys.allVersions(), before: newest.key })) {
    const writes: Write[] = [];
    let old = 0;
    for (const { key, value } of page) {
      const record = readOrTell({ key, value }, onDamage);
      if (record && record.timeMs >= beforeMs) break;
      writes.push(...(record ? deleteVersionRecord(keys, key, record) : [{ key, value: null }]));
      removed++;
      old++;
    }
    if (writes.length > 0) await store.write(writes);
    if (old < page.length) break;
  }
  return removed;
}
