// The patch that makes any older state the present one (UDT-10): for clients whose version is too old, or another server's.

import { isPlainPart } from './wire-patch.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';

/**
 * Never an empty one. Where keys have gone it replaces the whole document: the clients' patch library throws at the removal of a
 * top-level key, and they then poll no more.
 * @param hasLost whether an older state may have had top-level keys that this one hasn't.
 */
export function rebuildPatch(document: JsonObject, hasLost: boolean): Operation[] {
  const members = Object.entries(document);
  const hasOddKeys = members.some(([key]) => !isPlainPart(key)); // UDT-9: they can't find them
  if (hasLost || hasOddKeys || members.length === 0) return [{ op: 'replace', path: '', value: document }];
  return members.map(([key, value]) => ({ op: 'replace', path: `/${key}`, value }));
}
