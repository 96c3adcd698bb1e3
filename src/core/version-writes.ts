// What is written of a version of the `udt` part: its record, without what is too long to be kept, and where readers of the log find
// it. UdtVersions calls this.

import type { Json, JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { isShortJson } from '../model/json-pieces.ts';
import type { ProjectKeys } from '../store/keys.ts';
import type { Write } from '../store/store.ts';
import { writeUdtChange, writeUnkeptPatch } from '../store/udt-changes.ts';
import type { Edit } from './edits.ts';
import { epochSize } from './version-history.ts';
import { sealVersionRecord, type VersionRecord } from './version-record.ts';

/** What is longer than this as JSON isn't kept in a version: clients are sent the whole state, which says the same. */
const keptUnitsMax = 1024 * 1024;
/** What a session began with is kept in version 0 up to here: only readers of the whole history use it. */
const firstUnitsMax = 128 * 1024;

/** Null for what is too long to be kept. */
export function ifShort<Item extends Operation | Edit>(
  items: readonly Item[] | null,
): readonly Item[] | null {
  const json = items?.map((item): Json => ({ ...item }));
  return json && isShortJson(json, keptUnitsMax) ? items : null;
}

/** How a session began, as a patch; null if that is too long. */
export function firstPatch(view: JsonObject): readonly Operation[] | null {
  return isShortJson(view, firstUnitsMax) ? [{ op: 'replace', path: '', value: view }] : null;
}

export function sealVersion(
  keys: ProjectKeys,
  record: VersionRecord,
): { record: VersionRecord; write: { key: Uint8Array; value: Uint8Array } } {
  const key = keys.version(record.version % epochSize);
  return { record, write: { key, value: sealVersionRecord(key, record) } };
}

/** WS-23: where readers of the log find a version. @param position of the change; null if the log has none. */
export function writePlace(
  keys: ProjectKeys,
  { version, record }: { readonly version: number; readonly record: VersionRecord | null },
  position: number | null,
): Write[] {
  if (position === null) return [];
  const isReliable = record?.position === position;
  const writes = writeUdtChange(keys, position, isReliable ? version % epochSize : null);
  return isReliable && !record.patch ? [...writes, writeUnkeptPatch(keys, position)] : writes;
}
