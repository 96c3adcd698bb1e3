// Reads the frames of replication (docs/replication-protocol.md): everything in them is checked, and nothing is allocated
// that their bytes don't back. The links of src/replication call it.

import { snapshotNameBytes } from '../../model/kept-snapshot.ts';
import type { VersionVector } from '../../model/version-vector.ts';
import { FrameReader } from './frame-reader.ts';
import { messageTypes, refusalReasons } from './message-types.ts';
import type { Head, Standing } from '../../model/standing.ts';
import {
  catalogueDigestBytes,
  headChecksumBytes,
  instanceBytes,
  lifecycleMax,
  protocolVersion,
  replicationLimits as limits,
  serverIdMax,
  type Catalogue,
  type Fetch,
  type Frame,
  type Hello,
  type Refused,
  type ReplicationMessage,
  type SnapshotMessage,
} from './messages.ts';

const integerMax = Number.MAX_SAFE_INTEGER;

/**
 * The frame that these bytes are. Records, digests and checksums are views of the bytes: those must not change.
 * @throws RejoinError `bad-request` that names the field and says what would be right.
 */
export function parseFrame(bytes: Uint8Array): Frame {
  const reader = new FrameReader(bytes);
  if (bytes.length > limits.frameBytes)
    throw reader.refusal('', `is ${bytes.length} bytes long; at most ${limits.frameBytes} are allowed`);
  const number = reader.integer('number', 1, integerMax);
  const type = reader.choice('type', messageTypes);
  reader.part = type;
  const message = readMessage(reader, type);
  reader.end();
  return { number, message };
}

function readMessage(reader: FrameReader, type: ReplicationMessage['type']): ReplicationMessage {
  switch (type) {
    case 'hello':
      return readHello(reader);
    case 'refused':
      return readRefused(reader);
    case 'ack':
      return { type, bytes: reader.integer('bytes', 1, integerMax) };
    case 'catalogue':
      return readCatalogue(reader);
    case 'standing':
      return { type, project: reader.project('project'), standing: readStanding(reader) };
    case 'want':
      return {
        type,
        project: reader.project('project'),
        stream: readStream(reader),
        vector: readVector(reader, 'vector'),
      };
    case 'groups':
      return {
        type,
        project: reader.project('project'),
        stream: readStream(reader),
        isUnfinished: reader.boolean('isUnfinished'),
        records: readRecords(reader, 1),
      };
    case 'snapshot':
      return { type, project: reader.project('project'), stream: readStream(reader), ...readPart(reader) };
    case 'part':
      return {
        type,
        project: reader.project('project'),
        stream: readStream(reader),
        name: reader.take('name', snapshotNameBytes),
        ...readPart(reader),
      };
    case 'resume':
      return {
        type,
        project: reader.project('project'),
        stream: readStream(reader),
        vector: readVector(reader, 'vector'),
        kept: {
          name: reader.take('kept.name', snapshotNameBytes),
          pieces: reader.integer('kept.pieces', 0, integerMax),
          vector: readVector(reader, 'kept.vector'),
        },
      };
    case 'ended':
      return {
        type,
        project: reader.project('project'),
        stream: readStream(reader),
        reason: reader.text('reason', 0, limits.textBytes),
      };
    case 'fetch':
      return readFetch(reader);
    case 'fetched':
      return {
        type,
        project: reader.project('project'),
        serverId: readServerId(reader, 'serverId'),
        records: readRecords(reader, 0),
        isLast: reader.boolean('isLast'),
      };
  }
}

/** That of a newer version may have more at its end, and is read so that its sender can be told (REP-13). */
function readHello(reader: FrameReader): Hello {
  const protocol = reader.integer('protocol', 1, integerMax);
  const serverId = readServerId(reader, 'serverId');
  const instance = reader.take('instance', instanceBytes);
  const count = reader.count('capabilities', limits.capabilities, 2);
  const capabilities: string[] = [];
  for (reader.index = 0; reader.index < count; reader.index++)
    capabilities.push(reader.text('capabilities[]', 1, limits.capabilityBytes));
  if (protocol > protocolVersion) reader.skip();
  return { type: 'hello', protocol, serverId, instance, capabilities };
}

function readRefused(reader: FrameReader): Refused {
  const reason = reader.choice('reason', refusalReasons);
  return { type: 'refused', reason, message: reader.text('message', 0, limits.textBytes) };
}

function readCatalogue(reader: FrameReader): Catalogue {
  const count = reader.count('entries', limits.entries, 2 + catalogueDigestBytes);
  const entries: Catalogue['entries'][number][] = [];
  for (reader.index = 0; reader.index < count; reader.index++) {
    const project = reader.project('entries[].project');
    entries.push({ project, digest: reader.take('entries[].digest', catalogueDigestBytes) });
  }
  return { type: 'catalogue', entries, isLast: reader.boolean('isLast') };
}

function readStanding(reader: FrameReader): Standing {
  const lifecycle = reader.integer('lifecycle', 0, lifecycleMax);
  const deletedMs = reader.integer('deletedMs', 0, integerMax);
  const count = reader.count('heads', limits.servers, 2 + headChecksumBytes);
  const heads: Head[] = [];
  let before = 0;
  for (reader.index = 0; reader.index < count; reader.index++) {
    const serverId = readServerId(reader, 'heads[].serverId', before);
    const seqno = reader.integer('heads[].seqno', 1, integerMax);
    heads.push({ serverId, seqno, checksum: reader.take('heads[].checksum', headChecksumBytes) });
    before = serverId;
  }
  return { lifecycle, deletedMs, heads };
}

function readVector(reader: FrameReader, field: string): VersionVector {
  const count = reader.count(field, limits.servers, 2);
  const vector = new Map<number, number>();
  let before = 0;
  for (reader.index = 0; reader.index < count; reader.index++) {
    const serverId = readServerId(reader, `${field}[].serverId`, before);
    vector.set(serverId, reader.integer(`${field}[].seqno`, 1, integerMax));
    before = serverId;
  }
  return vector;
}

function readPart(
  reader: FrameReader,
): Pick<SnapshotMessage, 'isFirst' | 'isLast' | 'covers' | 'piece' | 'records'> {
  return {
    isFirst: reader.boolean('isFirst'),
    isLast: reader.boolean('isLast'),
    covers: readVector(reader, 'covers'),
    piece: reader.slice('piece', 0, limits.frameBytes),
    records: readRecords(reader, 0),
  };
}

function readFetch(reader: FrameReader): Fetch {
  const project = reader.project('project');
  const serverId = readServerId(reader, 'serverId');
  const first = reader.integer('first', 1, integerMax);
  return { type: 'fetch', project, serverId, first, last: reader.integer('last', first, integerMax) };
}

function readRecords(reader: FrameReader, countMin: number): Uint8Array[] {
  const count = reader.count('records', limits.records, 2);
  if (count < countMin) throw reader.refusal('records', 'must hold at least one record');
  const records: Uint8Array[] = [];
  for (reader.index = 0; reader.index < count; reader.index++)
    records.push(reader.slice('records[]', 1, limits.frameBytes));
  return records;
}

function readStream(reader: FrameReader): number {
  return reader.integer('stream', 1, integerMax);
}

/** @param before the one that it must come behind: a server is named once, in the order of the ids. */
function readServerId(reader: FrameReader, field: string, before = 0): number {
  const serverId = reader.integer(field, 1, serverIdMax);
  if (serverId <= before)
    throw reader.refusal(field, `is ${serverId} and follows ${before}: server ids must rise`);
  return serverId;
}
