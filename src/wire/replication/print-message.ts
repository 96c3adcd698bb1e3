// Writes the frames of replication, in lib0 encoding (docs/replication-protocol.md). The links of src/replication call it.

import * as encoding from 'lib0/encoding';
import { snapshotNameBytes } from '../../model/kept-snapshot.ts';
import { printVersionVector, type VersionVector } from '../../model/version-vector.ts';
import { messageTypes, refusalReasons } from './message-types.ts';
import type { Standing } from '../../model/standing.ts';
import {
  catalogueDigestBytes,
  headChecksumBytes,
  instanceBytes,
  replicationLimits,
  type Frame,
  type ReplicationMessage,
  type SnapshotMessage,
} from './messages.ts';

/**
 * The bytes of a frame. What the messages hold is taken to be within the limits, but for texts: a long one is cut.
 * @throws RangeError for a number or a length that no frame can hold: a defect of the caller.
 */
export function printFrame({ number, message }: Frame): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  writeInteger(encoder, number);
  writeInteger(encoder, messageTypes.indexOf(message.type));
  writeBody(encoder, message);
  return encoding.toUint8Array(encoder);
}

function writeBody(encoder: encoding.Encoder, message: ReplicationMessage): void {
  switch (message.type) {
    case 'hello':
      writeInteger(encoder, message.protocol);
      writeInteger(encoder, message.serverId);
      writeFixed(encoder, message.instance, instanceBytes);
      encoding.writeVarUint(encoder, message.capabilities.length);
      for (const name of message.capabilities) encoding.writeVarString(encoder, name);
      return;
    case 'refused':
      writeInteger(encoder, refusalReasons.indexOf(message.reason));
      writeText(encoder, message.message);
      return;
    case 'ack':
      writeInteger(encoder, message.bytes);
      return;
    case 'catalogue':
      encoding.writeVarUint(encoder, message.entries.length);
      for (const { project, digest } of message.entries) {
        encoding.writeVarString(encoder, project);
        writeFixed(encoder, digest, catalogueDigestBytes);
      }
      writeBoolean(encoder, message.isLast);
      return;
    case 'standing':
      encoding.writeVarString(encoder, message.project);
      writeStanding(encoder, message.standing);
      return;
    case 'want':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writeVector(encoder, message.vector);
      return;
    case 'groups':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writeBoolean(encoder, message.isUnfinished);
      writeRecords(encoder, message.records);
      return;
    case 'snapshot':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writePart(encoder, message);
      return;
    case 'part':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writeFixed(encoder, message.name, snapshotNameBytes);
      writePart(encoder, message);
      return;
    case 'resume':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writeVector(encoder, message.vector);
      writeFixed(encoder, message.kept.name, snapshotNameBytes);
      writeInteger(encoder, message.kept.pieces);
      writeVector(encoder, message.kept.vector);
      return;
    case 'ended':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.stream);
      writeText(encoder, message.reason);
      return;
    case 'fetch':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.serverId);
      writeInteger(encoder, message.first);
      writeInteger(encoder, message.last);
      return;
    case 'fetched':
      encoding.writeVarString(encoder, message.project);
      writeInteger(encoder, message.serverId);
      writeRecords(encoder, message.records);
      writeBoolean(encoder, message.isLast);
      return;
  }
}

function writePart(encoder: encoding.Encoder, part: Omit<SnapshotMessage, 'type'>): void {
  writeBoolean(encoder, part.isFirst);
  writeBoolean(encoder, part.isLast);
  writeVector(encoder, part.covers);
  encoding.writeVarUint8Array(encoder, part.piece);
  writeRecords(encoder, part.records);
}

function writeStanding(encoder: encoding.Encoder, { lifecycle, deletedMs, heads }: Standing): void {
  writeInteger(encoder, lifecycle);
  writeInteger(encoder, deletedMs);
  encoding.writeVarUint(encoder, heads.length);
  for (const { serverId, seqno, checksum } of [...heads].sort((a, b) => a.serverId - b.serverId)) {
    writeInteger(encoder, serverId);
    writeInteger(encoder, seqno);
    writeFixed(encoder, checksum, headChecksumBytes);
  }
}

/** A server that is known up to 0 is left out: that says the same. */
function writeVector(encoder: encoding.Encoder, vector: VersionVector): void {
  const pairs = printVersionVector(vector).filter(([, seqno]) => seqno > 0);
  encoding.writeVarUint(encoder, pairs.length);
  for (const [serverId, seqno] of pairs) {
    writeInteger(encoder, serverId);
    writeInteger(encoder, seqno);
  }
}

function writeRecords(encoder: encoding.Encoder, records: readonly Uint8Array[]): void {
  encoding.writeVarUint(encoder, records.length);
  for (const record of records) encoding.writeVarUint8Array(encoder, record);
}

/** Of characters that take at most three bytes each. */
const textUnitsMax = Math.floor(replicationLimits.textBytes / 3);

function writeText(encoder: encoding.Encoder, text: string): void {
  encoding.writeVarString(encoder, text.slice(0, textUnitsMax).toWellFormed());
}

function writeBoolean(encoder: encoding.Encoder, value: boolean): void {
  encoding.writeUint8(encoder, value ? 1 : 0);
}

function writeInteger(encoder: encoding.Encoder, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`A frame can't hold the number ${value}`);
  encoding.writeVarUint(encoder, value);
}

function writeFixed(encoder: encoding.Encoder, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length)
    throw new RangeError(`A frame holds ${length} bytes there, not ${bytes.length}`);
  encoding.writeUint8Array(encoder, bytes);
}
