// Which of several versions counts: the one that was authored last, and of equals the one with the greater uuid, so that
// every server and every client shows the same (WS-16).

import type { JsonObject } from './json.ts';

/** Compares two stored objects: below zero if `b` counts rather than `a`, so that the latest sorts last. */
export function compareVersions(a: JsonObject, b: JsonObject): number {
  return compare(textOf(a, 'authortime'), textOf(b, 'authortime')) || compare(uuidOf(a), uuidOf(b));
}

/** The version uuid of a stored object. */
export function uuidOf(value: JsonObject): string {
  return textOf(value, 'version_uuid');
}

/** A field of a stored object that is always a string; "" where it isn't there. */
export function textOf(value: JsonObject, field: string): string {
  return textOrNull(value, field) ?? '';
}

/** A field of a stored object that is a string or null. */
export function textOrNull(value: JsonObject, field: string): string | null {
  const found = value[field];
  return typeof found === 'string' ? found : null;
}

/** By UTF-16 units, as JavaScript compares strings: the same everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
