// Whether two JSON values are the same value. Used wherever an edit without effect must not become a change.

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/** Deep equality; the order of keys does not matter, and a value shared by both sides costs nothing. */
export function jsonEquals(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (isJsonArray(left)) return isJsonArray(right) && arraysEqual(left, right);
  return isJsonObject(left) && isJsonObject(right) && objectsEqual(left, right);
}

function arraysEqual(left: readonly Json[], right: readonly Json[]): boolean {
  return left.length === right.length && left.every((item, index) => jsonEquals(item, right[index] ?? null));
}

function objectsEqual(left: JsonObject, right: JsonObject): boolean {
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && jsonEquals(left[key] ?? null, right[key] ?? null));
}
