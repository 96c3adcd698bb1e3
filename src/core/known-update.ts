// Whether a document has all that a Yjs update says. The project asks while nothing can be written: a provider answers
// the server's step 1 with a step 2 also when it only came to read.

import * as Y from 'yjs';
import { decodeUpdate } from './update-decode.ts';

/**
 * @param update passed `checkUpdate`.
 * @returns whether applying it would change nothing.
 */
export function addsNothing(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, deletes } = decodeUpdate(update);
  for (const struct of structs) {
    const { client, clock } = struct.id;
    if (!(struct instanceof Y.Skip) && clock + struct.length > Y.getState(doc.store, client)) return false;
  }
  for (const [client, ranges] of deletes) {
    for (const { clock, len } of ranges) if (!isDeleted(doc, client, clock, clock + len)) return false;
  }
  return true;
}

function isDeleted(doc: Y.Doc, client: number, from: number, before: number): boolean {
  if (before > Y.getState(doc.store, client)) return false;
  for (let clock = from; clock < before;) {
    const struct: Y.Item | Y.GC = Y.getItem(doc.store, Y.createID(client, clock));
    if (!struct.deleted) return false;
    clock = struct.id.clock + struct.length;
  }
  return true;
}
