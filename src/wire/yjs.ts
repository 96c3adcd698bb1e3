// The frames of y-websocket, read and written (YJS-1):
//
//   frame     = message                     one message per frame; what follows in a client's frame is read too
//   message   = 0 sync | 1 bytes            awareness update
//             | 2 varUint [string]          auth: ignored
//             | 3                           query awareness
//             | 100 varUint                 how many steps 2 and updates of a connection are durable (YJS-7)
//   sync      = 0 bytes                     step 1: state vector
//             | 1 bytes                     step 2: update
//             | 2 bytes                     update
//
// Numbers are lib0 varUints, bytes are preceded by their length.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { RejoinError, messageOf } from '../errors.ts';

export type YjsMessage =
  | { readonly type: 'step-1'; readonly stateVector: Uint8Array }
  | { readonly type: 'step-2'; readonly update: Uint8Array }
  | { readonly type: 'update'; readonly update: Uint8Array }
  | { readonly type: 'awareness'; readonly update: Uint8Array }
  | { readonly type: 'query-awareness' };

/** A Yjs update that says nothing. */
export const noUpdate = new Uint8Array([0, 0]);

const message = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, durable: 100 } as const;
const sync = { step1: 0, step2: 1, update: 2 } as const;

/** A client sends one, and it costs next to nothing to send a million. */
export const messagesPerFrameMax = 16;

/**
 * The messages of a frame; those of unknown types are left out.
 * @throws RejoinError `undecodable`, also if there are too many.
 */
export function readFrame(frame: Uint8Array): YjsMessage[] {
  const decoder = decoding.createDecoder(frame);
  const messages: YjsMessage[] = [];
  try {
    do {
      if (messages.length === messagesPerFrameMax)
        throw new RejoinError('undecodable', `A frame may hold ${messagesPerFrameMax} messages at most`);
      const type = decoding.readVarUint(decoder);
      if (type === message.sync) messages.push(readSync(decoder));
      else if (type === message.awareness) {
        messages.push({ type: 'awareness', update: decoding.readVarUint8Array(decoder) });
      } else if (type === message.queryAwareness) messages.push({ type: 'query-awareness' });
      else break; // auth, or of a later protocol: its length is unknown
    } while (decoding.hasContent(decoder));
  } catch (error) {
    if (error instanceof RejoinError) throw error;
    throw new RejoinError('undecodable', `The frame can't be decoded: ${messageOf(error)}`, { cause: error });
  }
  return messages;
}

function readSync(decoder: decoding.Decoder): YjsMessage {
  const type = decoding.readVarUint(decoder);
  const bytes = decoding.readVarUint8Array(decoder);
  switch (type) {
    case sync.step1:
      return { type: 'step-1', stateVector: bytes };
    case sync.step2:
      return { type: 'step-2', update: bytes };
    case sync.update:
      return { type: 'update', update: bytes };
    default:
      throw new RejoinError('undecodable', `A sync message has the unknown type ${type}`);
  }
}

export function writeStep1(stateVector: Uint8Array): Uint8Array {
  return writeFrame([message.sync, sync.step1], stateVector);
}

export function writeStep2(update: Uint8Array): Uint8Array {
  return writeFrame([message.sync, sync.step2], update);
}

export function writeUpdate(update: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeFrame([message.sync, sync.update], update);
}

export function writeAwareness(update: Uint8Array): Uint8Array {
  return writeFrame([message.awareness], update);
}

/** YJS-7: how many of the steps 2 and updates that came on a connection are durable. */
export function writeDurable(count: number): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, message.durable);
  encoding.writeVarUint(encoder, count);
  return encoding.toUint8Array(encoder);
}

/** @returns the number that a frame of YJS-7 tells; null for all other frames, and for one that can't be read. */
export function readDurable(frame: Uint8Array): number | null {
  if (frame[0] !== message.durable) return null;
  const decoder = decoding.createDecoder(frame);
  try {
    decoding.readVarUint(decoder);
    return decoding.readVarUint(decoder);
  } catch {
    return null;
  }
}

/** Which of the messages that YJS-7 counts a frame is; null for all others. */
export function countedTypeOf(frame: Uint8Array): 'step-2' | 'update' | null {
  if (frame[0] !== message.sync) return null;
  if (frame[1] === sync.step2) return 'step-2';
  return frame[1] === sync.update ? 'update' : null;
}

function writeFrame(types: readonly number[], bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  for (const type of types) encoding.writeVarUint(encoder, type);
  encoding.writeVarUint8Array(encoder, bytes);
  return encoding.toUint8Array(encoder);
}
