// Reads the groups that another server sends, each record as that server has stored it (REP-1). The core takes them from
// here; their numbers are not changed.

import { RejoinError } from '../errors.ts';
import { decodeRecord, type LogRecord } from './record.ts';

export interface ReceivedRecord extends LogRecord {
  /** As it is stored, here and elsewhere. */
  readonly bytes: Uint8Array;
}

/** A whole group. */
export interface ReceivedGroup {
  readonly serverId: number;
  readonly firstSeqno: number;
  readonly lastSeqno: number;
  readonly records: readonly ReceivedRecord[];
  /** Null if it was compacted away. */
  readonly update: Uint8Array | null;
}

/**
 * @param records of whole groups, in the order of the sender's log.
 * @throws RejoinError `bad-request` that says which record is no part of a whole group; `damaged` for one that fails its
 *   checksum.
 */
export function readGroups(records: readonly Uint8Array[]): ReceivedGroup[] {
  const groups: ReceivedGroup[] = [];
  let open: ReceivedRecord[] = [];
  for (const bytes of records) {
    const record = readRecord(bytes);
    checkPlace(record, open);
    open.push(record);
    if (open.length < record.groupSize) continue;
    groups.push(groupOf(open));
    open = [];
  }
  const last = open.at(-1);
  if (last) throw misplaced(last, 'is the last that was sent, and its group has more');
  return groups;
}

/** The checksum of a stored record's header: two records of one number that differ in anything differ in it. */
export function checksumIn(record: Uint8Array): Uint8Array {
  return record.subarray(checksumAt, checksumAt + checksumLength);
}

/** Behind the byte that says which parts are here (docs/format.md). */
const checksumAt = 1;
const checksumLength = 8;

/** Member by member, as `changeAt`. */
function readRecord(bytes: Uint8Array): ReceivedRecord {
  const { serverId, seqno, groupIndex, groupSize, timeMs, origin, kind, object, update } =
    decodeRecord(bytes);
  return { serverId, seqno, groupIndex, groupSize, timeMs, origin, kind, object, update, bytes };
}

function checkPlace(record: ReceivedRecord, before: readonly ReceivedRecord[]): void {
  const previous = before.at(-1);
  if (record.groupIndex !== before.length) throw misplaced(record, `is no. ${before.length} of a group here`);
  if (record.groupIndex >= record.groupSize) throw misplaced(record, 'is behind the end of its group');
  if (!previous) return;
  if (record.update) throw misplaced(record, 'has an update, which only the first of a group has');
  if (
    record.serverId !== previous.serverId ||
    record.seqno !== previous.seqno + 1 ||
    record.groupSize !== previous.groupSize
  )
    throw misplaced(record, `does not follow [${previous.serverId}, ${previous.seqno}] in one group`);
}

function groupOf(records: readonly ReceivedRecord[]): ReceivedGroup {
  const [first] = records;
  const last = records.at(-1);
  if (!first || !last) throw new RejoinError('internal', 'A group without records');
  const { serverId, seqno: firstSeqno, update } = first;
  return { serverId, firstSeqno, lastSeqno: last.seqno, records, update };
}

function misplaced({ serverId, seqno, groupIndex, groupSize }: LogRecord, problem: string): RejoinError {
  return new RejoinError(
    'bad-request',
    `The record [${serverId}, ${seqno}], no. ${groupIndex} of a group of ${groupSize}, ${problem}`,
  );
}
