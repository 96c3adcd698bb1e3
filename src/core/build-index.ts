// Indexes what older releases have written, or what may have been lost of the index, from the end of a project's log to its
// beginning. Upkeep calls it; it may be stopped at any time, and done again.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError, hasCode, messageOf } from '../errors.ts';
import { isJsonObject, type Json } from '../model/json.ts';
import { matchesOf } from '../model/matches.ts';
import { isObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { readIndexMark, writeIndexMark } from '../store/index-marks.ts';
import { isHeld, writeHolder } from '../store/holders.ts';
import { ProjectKeys } from '../store/keys.ts';
import { readLastNumber } from '../store/read-key.ts';
import { GroupPostings } from '../store/postings.ts';
import { readProjectInfo } from '../store/project-info.ts';
import { decodeRecord, type LogRecord } from '../store/record.ts';
import { readRepeats } from '../store/repeats.ts';
import { firstOf, type Range, type Store, type Write } from '../store/store.ts';
import { isUdtChange, readUdtChange, writeUdtChange } from '../store/udt-changes.ts';

export interface IndexingOptions {
  /** Of the life that the index is to be relied on in. */
  readonly serverId: number;
  /** Gives up between two batches; what was indexed until then is. */
  readonly stopping: AbortSignal;
  readonly onDamage: (detail: string) => void;
  /** Whether the reports and topics of a log that can't be indexed are wanted all the same, as far as it can be read. */
  readonly holdersOfDamaged: boolean;
}

/** So many records are indexed in one batch, or one group. */
const recordsPerBatch = 512;

/** What is indexed of a record: without its bytes, for so many long ones would fill the memory. */
interface Placed extends Pick<LogRecord, 'kind' | 'groupIndex'> {
  readonly position: number;
  readonly matches: readonly Match[];
}

/** @returns whether it was not stopped: all is indexed that can be. */
export async function buildIndex(store: Store, project: string, options: IndexingOptions): Promise<boolean> {
  const { serverId, stopping, onDamage, holdersOfDamaged } = options;
  const keys = new ProjectKeys(project);
  try {
    const info = await readProjectInfo(store, project);
    if (!info || info.tombstone) return true;
    if (!info.damage) return await indexBackwards(store, project, keys, serverId, stopping);
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    onDamage(`it can't be indexed: ${messageOf(error)}`);
  }
  return holdersOfDamaged ? noteHolders(store, project, keys, stopping) : true;
}

async function indexBackwards(
  store: Store,
  project: string,
  keys: ProjectKeys,
  serverId: number,
  stopping: AbortSignal,
): Promise<boolean> {
  // What is being appended meanwhile is indexed by whoever appends it.
  const newest = await firstOf(store, { ...keys.allRecords(), reverse: true });
  const end = newest ? readLastNumber(newest.key) + 1 : 1;
  let from = (await readIndexMark(store, keys, serverId)) ?? end;
  while (from > 1) {
    if (stopping.aborted) return false;
    const records = await groupsBefore(store, keys, from);
    const first = records[0]?.position ?? 1;
    const writes = [...postingsOf(keys, records), ...holdersIn(project, records)];
    for (const { position, kind } of records)
      if (isUdtChange({ kind }) && (await readUdtChange(store, keys, position)) === undefined)
        writes.push(...writeUdtChange(keys, position, null));
    await store.write([...writes, writeIndexMark(keys, first, serverId)]);
    from = first;
    await otherWork();
  }
  return true;
}

/** Whole groups that end where `before` begins. @throws RejoinError `damaged` if they can't be read. */
async function groupsBefore(store: Store, keys: ProjectKeys, before: number): Promise<readonly Placed[]> {
  for (let first = Math.max(1, before - recordsPerBatch); ;) {
    const records: Placed[] = [];
    const repeats = await readRepeats(store, keys, first, before - 1);
    for await (const placed of readRecords(store, keys.records(first, before - 1)))
      records.push(repeats.get(placed.position) === 'same' ? { ...placed, matches: [] } : placed);
    const [oldest] = records;
    if (!oldest || oldest.position !== first || records.length !== before - first)
      throw new RejoinError('damaged', `changes from position ${first} to ${before - 1} are missing`);
    const whole = records.findIndex(({ groupIndex }) => groupIndex === 0);
    if (whole >= 0) return records.slice(whole);
    first -= oldest.groupIndex;
  }
}

async function* readRecords(store: Store, range: Range): AsyncGenerator<Placed> {
  for await (const page of store.scan(range)) for (const { key, value } of page) yield placedOf(key, value);
}

/** @throws RejoinError `damaged` if it can't be decoded. */
function placedOf(key: Uint8Array, value: Uint8Array): Placed {
  const record = decodeRecord(value);
  const { kind, groupIndex } = record;
  return { position: readLastNumber(key), kind, groupIndex, matches: matchesIn(record) };
}

/** The same, byte for byte, as they would have been written with the groups. */
function postingsOf(keys: ProjectKeys, records: readonly Placed[]): Write[] {
  const writes: Write[] = [];
  let group = new GroupPostings();
  for (const { position, kind, groupIndex, matches } of records) {
    if (groupIndex === 0) {
      writes.push(...group.writes(keys));
      group = new GroupPostings();
    }
    if (isObjectKind(kind)) group.add(kind, matches, position);
  }
  return [...writes, ...group.writes(keys)];
}

function holdersIn(project: string, records: readonly Placed[]): Write[] {
  const held = records.flatMap(({ matches }) => matches).filter(isHeld);
  const unique = new Map(held.map((match) => [`${match.field} ${match.value}`, match]));
  return [...unique.values()].map((match) => writeHolder(match, project));
}

function matchesIn({ kind, object }: LogRecord): readonly Match[] {
  if (!object || !isObjectKind(kind)) return [];
  const value = JSON.parse(Buffer.from(object).toString('utf8')) as Json;
  return isJsonObject(value) ? matchesOf(kind, value) : [];
}

/** Of a log that is damaged: what can be read of it tells. */
async function noteHolders(
  store: Store,
  project: string,
  keys: ProjectKeys,
  stopping: AbortSignal,
): Promise<boolean> {
  for await (const page of store.scan(keys.allRecords())) {
    if (stopping.aborted) return false;
    const records = page.flatMap(({ key, value }) => {
      try {
        return [placedOf(key, value)];
      } catch (error) {
        if (hasCode(error, 'damaged')) return [];
        throw error;
      }
    });
    await store.write(holdersIn(project, records));
    await otherWork();
  }
  return true;
}
