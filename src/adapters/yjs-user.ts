// Whose name a change by a Yjs client goes under: `changeLog` tells UDT's clients who did what (UDT-1).

import * as decoding from 'lib0/decoding';
import { anonymous } from '../model/origin.ts';
import type { Presence } from './presence.ts';

/**
 * The name that the author of an update has now. Tabs of one browser may speak through each other's connections, so the
 * clientID that made the update comes first; else it is the name of who is behind the connection.
 */
export function userOf<Connection extends object>(
  update: Uint8Array,
  connection: Connection,
  presence: Presence<Connection>,
): string {
  const author = soleAuthorOf(update);
  const name = author === null ? undefined : presence.nameOfClient(author);
  return name ?? presence.nameOf(connection) ?? anonymous;
}

/** The client that made all that an update (of format 1) adds; null if there are several, or none. */
function soleAuthorOf(update: Uint8Array): number | null {
  try {
    const decoder = decoding.createDecoder(update);
    if (decoding.readVarUint(decoder) !== 1) return null;
    decoding.readVarUint(decoder); // how many structs there are
    return decoding.readVarUint(decoder);
  } catch {
    return null; // the project refuses it, and says why
  }
}
