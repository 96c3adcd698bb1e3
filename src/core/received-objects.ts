// The objects among the records that another server sends, read once: which they are decides whether they are new here.

import { RejoinError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { asAuthored, isObjectKind, type ObjectKind } from '../model/objects.ts';
import type { ReceivedGroup, ReceivedRecord } from '../store/received-groups.ts';
import type { Repeat } from '../store/repeats.ts';
import { jsonEquals } from './json-equals.ts';

export interface ReceivedObject {
  readonly kind: ObjectKind;
  readonly versionUuid: string;
  readonly value: JsonObject;
}

/** By their records. @throws RejoinError `bad-request` if the record of an object holds none. */
export function objectsIn(groups: readonly ReceivedGroup[]): Map<ReceivedRecord, ReceivedObject> {
  const objects = new Map<ReceivedRecord, ReceivedObject>();
  for (const { records } of groups)
    for (const record of records) {
      const object = objectIn(record);
      if (object) objects.set(record, object);
    }
  return objects;
}

/** How a record repeats the first one of its uuid: as its author wrote it, or with another content (REP-6). */
export function repeatOf(first: Json, value: Json): Repeat {
  const isSame =
    isJsonObject(first) && isJsonObject(value) && jsonEquals(asAuthored(first), asAuthored(value));
  return isSame ? 'same' : 'other';
}

function objectIn({ serverId, seqno, kind, object }: ReceivedRecord): ReceivedObject | null {
  if (!isObjectKind(kind) || !object) return null;
  const value = parsed(object);
  if (!isJsonObject(value) || typeof value.version_uuid !== 'string')
    throw new RejoinError('bad-request', `The record [${serverId}, ${seqno}] holds no ${kind}`);
  return { kind, versionUuid: value.version_uuid, value };
}

function parsed(bytes: Uint8Array): Json {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as Json;
  } catch {
    return null;
  }
}
