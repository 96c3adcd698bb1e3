// Under which key the index of uuids has the object of a record. Who checks that index, and who gives up a part of the log, ask.

import { isJsonObject, type JsonObject } from '../model/json.ts';
import { isObjectKind, type ObjectKind } from '../model/objects.ts';
import type { ProjectKeys } from './keys.ts';
import type { LogRecord } from './record.ts';

export interface ObjectPlace {
  readonly key: Uint8Array;
  readonly kind: ObjectKind;
  readonly value: JsonObject;
}

/** Null for a record without an object that has a version uuid. */
export function objectPlaceOf(
  keys: ProjectKeys,
  { kind, object }: Pick<LogRecord, 'kind' | 'object'>,
): ObjectPlace | null {
  if (!object || !isObjectKind(kind)) return null;
  const value: unknown = JSON.parse(Buffer.from(object).toString('utf8'));
  if (!isJsonObject(value)) return null;
  const { version_uuid: uuid } = value;
  return typeof uuid === 'string' ? { key: keys.uuid(kind, uuid), kind, value } : null;
}
