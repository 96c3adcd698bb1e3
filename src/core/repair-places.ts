// Where in the log a change belongs that was lost, and whether a record that another server has of it can be that change:
// nothing that is known here may contradict it. The repair of a project asks.

import type { ProjectKeys } from '../store/keys.ts';
import { readPlace } from '../store/read-place.ts';
import { readSequenceKey } from '../store/read-key.ts';
import type { MissingChanges } from '../store/missing-changes.ts';
import { checksumIn, type ReceivedRecord } from '../store/received-groups.ts';
import { wholeHeaderOf, type LogRecord } from '../store/record.ts';
import { firstOf, type Entry, type Store } from '../store/store.ts';
import type { RepairBatch } from './repair-batch.ts';

export interface RepairedLog {
  readonly store: Store;
  readonly keys: ProjectKeys;
  /** What is being put back with it. */
  readonly batch: RepairBatch;
}

/** Where a lost change belongs. */
export interface RepairPlace {
  readonly position: number;
  /** Whether it can only be this one: if not, changes of several servers may have got into another order. */
  readonly isCertain: boolean;
}

/** Null if the change isn't missing, has no place, or can't be what was there. */
export async function placeOf(
  record: ReceivedRecord,
  missing: MissingChanges,
  log: RepairedLog,
): Promise<RepairPlace | null> {
  const known = missing.positionOf(record.serverId, record.seqno);
  if (known === undefined) return null;
  const place = known > 0 ? { position: known, isCertain: true } : await deducedPlace(record, missing, log);
  if (!place) return null;
  const { position } = place;
  return (await isThatChange(record, position, log)) && (await fits(record, position, log)) ? place : null;
}

/** Between the changes of its server before and behind it, as many places on as changes are missing before it. */
async function deducedPlace(
  { serverId, seqno }: LogRecord,
  missing: MissingChanges,
  { store, keys, batch }: RepairedLog,
): Promise<RepairPlace | null> {
  const below = { from: keys.sequence(serverId, 0), before: keys.sequence(serverId, seqno), reverse: true };
  const stored = placeIn(await firstOf(store, below));
  const staged = batch.lastOf(serverId, seqno);
  const before = staged && staged.seqno > stored.seqno ? staged : stored;
  const above = { from: keys.sequence(serverId, seqno + 1), before: keys.sequence(serverId + 1, 0) };
  const behind = await firstOf(store, above);
  // Behind the last that has a place, all up to the highest that is known is missing.
  const next = behind ? placeIn(behind) : { seqno: missing.highestOf(serverId) + 1, position: Infinity };
  const skipped = seqno - before.seqno - 1;
  const position = missing.freePosition(skipped, before.position, next.position);
  if (position === undefined) return null;
  const isCertain = missing.freeBetween(before.position, next.position) === next.seqno - before.seqno - 1;
  return { position, isCertain };
}

/** One that can't be read bounds nothing. */
function placeIn(entry: Entry | undefined): { seqno: number; position: number } {
  if (!entry) return { seqno: 0, position: 0 };
  const { seqno } = readSequenceKey(entry.key);
  return { seqno, position: readPlace(entry.key, entry.value) ?? 0 };
}

/** What is left of the damaged record may still say that it was another one. */
async function isThatChange(
  record: ReceivedRecord,
  position: number,
  { store, keys }: RepairedLog,
): Promise<boolean> {
  const stored = await store.get(keys.record(position));
  const header = stored && wholeHeaderOf(stored);
  return !header || Buffer.compare(header, checksumIn(record.bytes)) === 0;
}

/** Groups lie in the log in one piece. */
async function fits(record: LogRecord, position: number, { batch }: RepairedLog): Promise<boolean> {
  const [before, behind] = await Promise.all([batch.recordAt(position - 1), batch.recordAt(position + 1)]);
  return (!before || follows(record, before)) && (!behind || follows(behind, record));
}

function follows(next: LogRecord, before: LogRecord): boolean {
  if (before.groupIndex + 1 === before.groupSize) return next.groupIndex === 0;
  return (
    next.groupIndex === before.groupIndex + 1 &&
    next.groupSize === before.groupSize &&
    next.serverId === before.serverId &&
    next.seqno === before.seqno + 1
  );
}
