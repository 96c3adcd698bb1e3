// Reads the checksum of one change as it is stored, by its number: two servers that have something else under one number differ in it
// (REP-9).

import type { ProjectKeys } from './keys.ts';
import { readPlace } from './read-place.ts';
import { numberOfRecord, wholeHeaderOf } from './record.ts';
import type { Store } from './store.ts';

/** 8 bytes. What is damaged says nothing, nor does what lies where another change belongs. */
export async function readChecksum(
  store: Store,
  keys: ProjectKeys,
  serverId: number,
  seqno: number,
): Promise<Uint8Array | 'absent' | 'damaged'> {
  const key = keys.sequence(serverId, seqno);
  const sealed = await store.get(key);
  if (!sealed) return 'absent';
  const position = readPlace(key, sealed);
  const record = position === null ? undefined : await store.get(keys.record(position));
  const checksum = record && wholeHeaderOf(record);
  if (!checksum) return 'damaged';
  const number = numberOfRecord(record);
  return number.serverId === serverId && number.seqno === seqno ? Uint8Array.from(checksum) : 'damaged';
}
