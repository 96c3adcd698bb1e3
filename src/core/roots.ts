// The names of the document's root types that rejoin interprets: a public contract for Yjs clients (design.md, "The
// document"). Any other root is the application's own.

import { rootOfKind, type ObjectKind } from '../model/objects.ts';

export const udtRoot = 'udt';

/** The member of `udt` that UDT's v2 clients know by a summary. */
export const samplesKey = 'samples';

export type ObjectRoot = (typeof rootOfKind)[ObjectKind];

/** The root maps of immutable objects, keyed by version uuid. */
export const objectRoots: readonly ObjectRoot[] = Object.values(rootOfKind);

/** The root map that objects of this kind are keys of: `entry` → `entries`. */
export function rootNameOf(kind: ObjectKind): ObjectRoot {
  return rootOfKind[kind];
}
