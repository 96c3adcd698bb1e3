// A record of the log: one change, as it is stored and, later, sent to other servers. The layout is frozen
// (docs/format.md): a checksum covers the header with both digests, but neither of the two byte strings, so that
// compaction can drop the update and erasure the object.

import * as encoding from 'lib0/encoding';
import { RejoinError, hasCode, messageOf } from '../errors.ts';
import type { Origin, Protocol } from '../model/origin.ts';
import { ByteReader } from './byte-reader.ts';
import { checksumBytes, checksumOf, digestBytes, digestOf, isStartOfHash } from './digest.ts';

/** What a record holds: an object by its kind, `udt` for a change of the UDT part, `update` for any other change of
 *  the document, `session` for the change that made the project a session; or, of one that was made in slices, `session` for the
 *  first, `slice` for those that follow, and `closing` for the last. */
export type RecordKind = 'update' | 'entry' | 'thread' | 'comment' | 'udt' | 'session' | 'slice' | 'closing';

export interface LogRecord {
  readonly serverId: number;
  readonly seqno: number;
  /** The record's place in its group, from 0. The first carries the update. */
  readonly groupIndex: number;
  readonly groupSize: number;
  /** When the record was made, by the clock of its server. Milliseconds since 1970. */
  readonly timeMs: number;
  readonly origin: Origin;
  readonly kind: RecordKind;
  /** JSON text of the object, UTF-8. Absent for kinds without one, and after erasure. */
  readonly object: Uint8Array | null;
  /** A Yjs update, v1. Absent but in the first record of a group, and after compaction. */
  readonly update: Uint8Array | null;
}

export const recordFormat = 1;

const kinds: readonly RecordKind[] = [
  'update',
  'entry',
  'thread',
  'comment',
  'udt',
  'session',
  'slice',
  'closing',
];
const protocols: readonly Protocol[] = ['stream', 'udt', 'yjs', 'server'];
const objectBit = 1;
const updateBit = 2;

export function encodeRecord(record: LogRecord): Uint8Array {
  const header = encoding.createEncoder();
  encoding.writeUint8(header, recordFormat);
  encoding.writeVarUint(header, record.serverId);
  encoding.writeVarUint(header, record.seqno);
  encoding.writeVarUint(header, record.groupIndex);
  encoding.writeVarUint(header, record.groupSize);
  encoding.writeVarUint(header, record.timeMs);
  encoding.writeUint8(header, protocols.indexOf(record.origin.protocol));
  encoding.writeVarString(header, record.origin.user);
  encoding.writeUint8(header, kinds.indexOf(record.kind));
  const parts = (record.object ? objectBit : 0) | (record.update ? updateBit : 0);
  encoding.writeUint8(header, parts);
  for (const bytes of [record.object, record.update]) {
    if (!bytes) continue;
    encoding.writeVarUint(header, bytes.length);
    encoding.writeUint8Array(header, digestOf(bytes));
  }
  const headerBytes = encoding.toUint8Array(header);

  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, parts); // which of the byte strings are still here
  encoding.writeUint8Array(encoder, checksumOf(headerBytes));
  encoding.writeVarUint8Array(encoder, headerBytes);
  if (record.object) encoding.writeUint8Array(encoder, record.object);
  if (record.update) encoding.writeUint8Array(encoder, record.update);
  return encoding.toUint8Array(encoder);
}

/**
 * What a reader needs of a record: all, or what is streamed of it. What it doesn't need isn't verified either, and reads as
 * absent: the update of a large upload may be a megabyte.
 */
export type NeededParts = 'all' | 'object' | 'update';

/** @throws RejoinError `damaged` if a checksum or a digest fails. */
export function decodeRecord(bytes: Uint8Array, needed: NeededParts = 'all'): LogRecord {
  try {
    return readRecord(new ByteReader(bytes), needed);
  } catch (error) {
    if (error instanceof RejoinError) throw error;
    throw new RejoinError('damaged', `A record can't be decoded: ${messageOf(error)}`, { cause: error });
  }
}

/** As `decodeRecord`, with null for one that is damaged. */
export function decodeRecordOrNull(bytes: Uint8Array): LogRecord | null {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (hasCode(error, 'damaged')) return null;
    throw error;
  }
}

/**
 * A record without its update's bytes, whose digest stays in the header (compaction); null if it has none.
 * @throws RejoinError `damaged`, as `decodeRecord`: what is damaged is left as it is.
 */
export function withoutUpdate(bytes: Uint8Array): Uint8Array | null {
  const { update } = decodeRecord(bytes);
  if (!update) return null;
  const stripped = bytes.slice(0, bytes.length - update.length); // it comes last
  stripped[0] = (stripped[0] ?? 0) & ~updateBit;
  return stripped;
}

/**
 * Whose change a record is, and which; nothing of it is verified.
 * @throws RejoinError `damaged` if that can't be read.
 */
export function numberOfRecord(bytes: Uint8Array): { readonly serverId: number; readonly seqno: number } {
  try {
    const header = new ByteReader(bytes, 1 + checksumBytes);
    header.varint(); // its length
    header.byte(); // its format
    return { serverId: header.varint(), seqno: header.varint() };
  } catch (error) {
    throw new RejoinError('damaged', `A record can't be decoded: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The checksum of a record's header if that is whole, whatever became of its byte strings; null if it isn't. Two records of one
 * number that differ in anything differ in it.
 */
export function wholeHeaderOf(bytes: Uint8Array): Uint8Array | null {
  try {
    const reader = new ByteReader(bytes, 1);
    const checksum = reader.latin1(checksumBytes);
    if (!isStartOfHash(checksum, reader.slice())) return null;
    return bytes.subarray(1, 1 + checksumBytes);
  } catch {
    return null; // it is too short for one
  }
}

function readRecord(reader: ByteReader, needed: NeededParts): LogRecord {
  const present = reader.byte();
  const checksum = reader.latin1(checksumBytes);
  const headerBytes = reader.slice();
  if (!isStartOfHash(checksum, headerBytes)) throw damaged('its header fails the checksum');

  const header = new ByteReader(headerBytes);
  const format = header.byte();
  if (format !== recordFormat) throw damaged(`it has format ${format}, this server reads ${recordFormat}`);
  const serverId = header.varint();
  const seqno = header.varint();
  const groupIndex = header.varint();
  const groupSize = header.varint();
  const timeMs = header.varint();
  const protocol = protocols[header.byte()];
  const user = header.utf8();
  const kind = kinds[header.byte()];
  if (protocol === undefined || kind === undefined) throw damaged('its origin or kind is unknown');
  const parts = header.byte();
  if ((present & ~parts) !== 0) throw damaged('it holds bytes that its header does not name');

  const objectSeal = (parts & objectBit) !== 0 ? readSeal(header) : null;
  const updateSeal = (parts & updateBit) !== 0 ? readSeal(header) : null;
  let object: Uint8Array | null = null;
  if (objectSeal && (present & objectBit) !== 0) {
    if (needed !== 'update') object = readSealed(reader, objectSeal, 'object');
    else reader.take(objectSeal.length);
  }
  let update: Uint8Array | null = null;
  if (updateSeal && (present & updateBit) !== 0) {
    if (needed !== 'object') update = readSealed(reader, updateSeal, 'update');
    else reader.take(updateSeal.length);
  }
  if (!reader.isAtEnd) throw damaged('it is longer than its header says');
  const origin = { protocol, user };
  return { serverId, seqno, groupIndex, groupSize, timeMs, origin, kind, object, update };
}

interface Seal {
  readonly length: number;
  /** One unit per byte. */
  readonly digest: string;
}

function readSeal(header: ByteReader): Seal {
  return { length: header.varint(), digest: header.latin1(digestBytes) };
}

function readSealed(reader: ByteReader, { length, digest }: Seal, what: string): Uint8Array {
  const bytes = reader.take(length);
  if (!isStartOfHash(digest, bytes)) throw damaged(`its ${what} fails the digest`);
  return bytes;
}

function damaged(problem: string): RejoinError {
  return new RejoinError('damaged', `A record is damaged: ${problem}`);
}
