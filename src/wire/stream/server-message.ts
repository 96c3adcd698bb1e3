// Reads what a server says on `/ws`, in the original vocabulary. The client library calls it with every frame; what a
// later server may add is let through or left out, never an error.

import { errorCodes, RejoinError, type ErrorCode } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { isObjectKind, type ObjectKind } from '../../model/objects.ts';
import { parseVersionVector, type VersionVector } from '../../model/version-vector.ts';
import { readMuxId, type MuxId } from './mux-id.ts';

export type ReadMessage =
  | ReadObject
  | ReadPatch
  | { readonly type: 'sync'; readonly muxId: MuxId; readonly since: VersionVector; readonly sent: JsonObject }
  | { readonly type: 'closed' | 'uploaded'; readonly muxId: MuxId }
  | {
      readonly type: 'error';
      readonly muxId: MuxId | undefined;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly type: 'unknown' };

/** A message with a place in the sequence of a server. */
interface Placed {
  readonly muxId: MuxId;
  readonly serverId: number;
  readonly seqno: number;
  /** The message as it came, without its `mux_id`. */
  readonly sent: JsonObject;
}

export interface ReadObject extends Placed {
  readonly type: 'object';
  readonly kind: ObjectKind;
  readonly versionUuid: string;
}

export interface ReadPatch extends Placed {
  readonly type: 'patch';
}

/**
 * Reads a text frame.
 * @throws RejoinError `undecodable` if it is no message of a server.
 */
export function readServerMessage(text: unknown): ReadMessage {
  if (typeof text !== 'string') throw undecodable('it is no text frame');
  const message = parsed(text);
  const { type } = message;
  const muxId = readMuxId(message);
  if (type === 'error') return readError(message, muxId);
  if (muxId === undefined) return { type: 'unknown' };
  switch (type) {
    case 'entry':
    case 'thread':
    case 'comment':
    case 'patch':
      return readPlaced(type, message, muxId);
    case 'sync':
      return {
        type,
        muxId,
        since: parseVersionVector(message['since'] ?? [], 'since', Infinity),
        sent: withoutMuxId(message),
      };
    case 'closed':
    case 'uploaded':
      return { type, muxId };
    default:
      return { type: 'unknown' };
  }
}

/** The stored object in a streamed one: without what belongs to the stream and the place. */
export function objectOf(sent: JsonObject): JsonObject {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- named to be left out
  const { type, mux_id, srv_id, seqno, proj_id, ...value } = sent;
  return value;
}

/** The server has checked its values: a patch may put what is as deep as is allowed deeper still. */
function parsed(text: string): JsonObject {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw undecodable('Invalid JSON', cause);
  }
  if (isJsonObject(message)) return message;
  throw undecodable('it is no JSON object');
}

function readPlaced(type: ObjectKind | 'patch', message: JsonObject, muxId: MuxId): ReadObject | ReadPatch {
  const { srv_id: serverId, seqno, version_uuid: versionUuid } = message;
  if (!isCount(serverId) || !isCount(seqno)) throw undecodable(`a ${type} must have srv_id and seqno`);
  const placed = { muxId, serverId, seqno, sent: withoutMuxId(message) };
  if (!isObjectKind(type)) return { type, ...placed };
  if (typeof versionUuid !== 'string') throw undecodable(`a ${type} must have a version_uuid`);
  return { type: 'object', kind: type, versionUuid, ...placed };
}

function readError(message: JsonObject, muxId: MuxId | undefined): ReadMessage {
  const code = errorCodes.find((each) => each === message['code']) ?? 'internal';
  const text = message['message'];
  return {
    type: 'error',
    muxId,
    code,
    message: typeof text === 'string' ? text : 'the server gave no reason',
  };
}

function withoutMuxId(message: JsonObject): JsonObject {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- named to be left out
  const { mux_id, ...sent } = message;
  return sent;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function undecodable(problem: string, cause?: unknown): RejoinError {
  return new RejoinError('undecodable', `What the server sent can't be read: ${problem}`, { cause });
}
