// Encodes objects as a Yjs update without a document, so that uploads never need the Y.Doc open. The project calls it
// with the clientID that it keeps for uploads.

import * as encoding from 'lib0/encoding';
import type { ProjectObject } from '../model/objects.ts';
import { rootNameOf } from './roots.ts';

/**
 * The update (v1 format) that a Yjs client of this id would have made by setting each object in the root map of its
 * kind, in this order: one item per object, with clocks from `clock` on.
 * @param clock the number of items that the client has made so far.
 * @param objects under keys that are fresh in the document: the items have no origin.
 */
export function encodeObjectUpdate(
  clientId: number,
  clock: number,
  objects: readonly Pick<ProjectObject, 'kind' | 'versionUuid' | 'value'>[],
): Uint8Array {
  const encoder = encoding.createEncoder();
  writeClientBlocks(encoder, clientId, clock, objects);
  encoding.writeVarUint(encoder, 0); // clients in the delete set
  return encoding.toUint8Array(encoder);
}

function writeClientBlocks(
  encoder: encoding.Encoder,
  clientId: number,
  clock: number,
  objects: Parameters<typeof encodeObjectUpdate>[2],
): void {
  encoding.writeVarUint(encoder, objects.length === 0 ? 0 : 1);
  if (objects.length === 0) return; // Yjs writes no block without items, and checkUpdate refuses one
  encoding.writeVarUint(encoder, objects.length);
  encoding.writeVarUint(encoder, clientId);
  encoding.writeVarUint(encoder, clock);
  for (const object of objects) writeItem(encoder, object);
}

/** The layout is that of Yjs's Item.write: info, parent, key, content. */
function writeItem(
  encoder: encoding.Encoder,
  object: Pick<ProjectObject, 'kind' | 'versionUuid' | 'value'>,
): void {
  encoding.writeUint8(encoder, contentAnyRef | hasKeyBit);
  encoding.writeVarUint(encoder, parentIsRoot);
  encoding.writeVarString(encoder, rootNameOf(object.kind));
  encoding.writeVarString(encoder, object.versionUuid);
  encoding.writeVarUint(encoder, 1); // values in the content
  // lib0 only reads it, but its type has mutable arrays.
  encoding.writeAny(encoder, object.value as Parameters<typeof encoding.writeAny>[1]);
}

const contentAnyRef = 8;
const hasKeyBit = 0x20;
const parentIsRoot = 1;
