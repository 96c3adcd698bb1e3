// The postings of one group, made anew from its records: a verification mends a damaged one so.

import { isJsonObject, type Json } from '../model/json.ts';
import { matchesOf } from '../model/matches.ts';
import { isObjectKind } from '../model/objects.ts';
import type { ProjectKeys } from './keys.ts';
import { GroupPostings } from './postings.ts';
import { decodeRecord, type LogRecord } from './record.ts';
import { readRepeats } from './repeats.ts';
import type { Store, Write } from './store.ts';

/**
 * What is written for the group that a position is in, byte for byte as when it was logged.
 * @throws RejoinError `damaged` if a record of it, or which of them are repeats, can't be read.
 */
export async function postingsAround(store: Store, keys: ProjectKeys, position: number): Promise<Write[]> {
  const at = await readRecord(store, keys, position);
  if (!at) return [];
  const first = position - at.groupIndex;
  const last = first + at.groupSize - 1;
  const repeats = await readRepeats(store, keys, first, last);
  const postings = new GroupPostings();
  for (let each = first; each <= last; each++) {
    const record = each === position ? at : await readRecord(store, keys, each);
    if (!record?.object || !isObjectKind(record.kind) || repeats.get(each) === 'same') continue;
    const object = JSON.parse(Buffer.from(record.object).toString('utf8')) as Json;
    if (isJsonObject(object)) postings.add(record.kind, matchesOf(record.kind, object), each);
  }
  return postings.writes(keys);
}

async function readRecord(store: Store, keys: ProjectKeys, position: number): Promise<LogRecord | null> {
  const value = await store.get(keys.record(position));
  return value ? decodeRecord(value) : null;
}
