// Reads what clients send on `/ws`. The stream adapter calls it with every text frame, and answers what it throws with
// one `error` (WS-19).

import { RejoinError } from '../../errors.ts';
import { isJsonArray, isJsonObject, parseJson, type Json, type JsonObject } from '../../model/json.ts';
import type { ClientMessage, StreamLimits, UploadRequest } from './messages.ts';
import { isRounded, muxIdLengthMax, readMuxId, type MuxId } from './mux-id.ts';
import { parseStreamRequest } from './parse-stream.ts';
import { parseUploadedObject } from './uploaded-object.ts';

/**
 * Reads a text frame.
 * @throws RejoinError `bad-request` if it isn't one JSON object; `readMuxIdOfText` may still find its `mux_id`.
 */
export function parseClientFrame(text: string): JsonObject {
  const value = parseJson(text);
  if (isJsonObject(value)) return value;
  throw new RejoinError('bad-request', `A message must be a JSON object; this one is ${nameOfType(value)}`);
}

/**
 * Reads a message in either vocabulary; the names of one upload may be of both (WS-12).
 * @throws RejoinError `bad-request` that names the field, `too-large` over one of the limits.
 */
export function parseClientMessage(message: JsonObject, limits: StreamLimits): ClientMessage {
  const type = message['type'];
  switch (type) {
    case 'subscribe':
    case 'fetch':
      return parseStreamRequest(type, requireMuxId(message), message, limits);
    case 'close':
      return { type, muxId: requireMuxId(message) };
    case 'upload':
      return parseUpload(message, limits);
    default:
      throw new RejoinError('bad-request', 'type must be "subscribe", "fetch", "close" or "upload"');
  }
}

function parseUpload(message: JsonObject, limits: StreamLimits): UploadRequest {
  const muxId = requireMuxId(message);
  const objects = message['objects'];
  if (!isJsonArray(objects)) throw new RejoinError('bad-request', 'objects must be a list');
  if (objects.length > limits.objectsPerUploadMax)
    throw new RejoinError(
      'too-large',
      `objects has ${objects.length} members; at most ${limits.objectsPerUploadMax} are allowed in one upload`,
    );
  return {
    type: 'upload',
    muxId,
    objects: objects.map((object, index) => parseUploadedObject(object, `objects[${index}]`)),
  };
}

// WS-1
function requireMuxId(message: JsonObject): MuxId {
  const muxId = readMuxId(message);
  if (muxId !== undefined) return muxId;
  throw new RejoinError('bad-request', `mux_id ${problemOfMuxId(message['mux_id'])}`);
}

function problemOfMuxId(sent: Json | undefined): string {
  if (typeof sent === 'string') return `has ${sent.length} characters; it may have ${muxIdLengthMax} at most`;
  if (typeof sent === 'number' && isRounded(sent))
    return 'is an integer beyond 2^53, which cannot be echoed unchanged: send it as a string';
  return 'must be a string or a number';
}

function nameOfType(value: Json): string {
  if (value === null) return 'null';
  return isJsonArray(value) ? 'a list' : `a ${typeof value}`;
}
