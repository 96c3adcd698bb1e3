// What a room answers to step 1. Those who ask the same while its answer still waits for somebody share its bytes: when
// a server is back, so are all its clients, and those that don't read must not cost a document each (YJS-11).

import * as Y from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import { writeStep2 } from '../wire/yjs.ts';

export class Step2 {
  /** The last one of a document, until it changes. */
  private readonly last = new WeakMap<Y.Doc, { stateVector: Uint8Array; frame: WeakRef<Uint8Array> }>();

  /**
   * The frame that brings a client from its state vector to the document as it is now.
   * @throws RejoinError `undecodable`.
   */
  frame(doc: Y.Doc, stateVector: Uint8Array): Uint8Array {
    const last = this.last.get(doc);
    const shared = last && Buffer.compare(last.stateVector, stateVector) === 0 ? last.frame.deref() : null;
    if (shared) return shared;
    const frame = writeStep2(encode(doc, stateVector));
    if (!last) doc.once('update', () => this.last.delete(doc));
    this.last.set(doc, { stateVector: stateVector.slice(), frame: new WeakRef(frame) });
    return frame;
  }
}

function encode(doc: Y.Doc, stateVector: Uint8Array): Uint8Array {
  try {
    return Y.encodeStateAsUpdate(doc, stateVector);
  } catch (cause) {
    const message = `The state vector can't be decoded: ${messageOf(cause)}`;
    throw new RejoinError('undecodable', message, { cause });
  }
}
