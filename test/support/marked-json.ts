// JSON documents in which each array element is an object with a mark of its own, so that a test can tell whether an
// operation has hit the element that it was meant for.

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Edit, Path } from '../../src/core/edits.ts';
import { parsePointer } from '../../src/core/json-pointer.ts';

/** Gives each element of the arrays in `value` a mark that has none: `{ mark, of: element }`. */
export function marked<T extends Json>(value: T, nextMark: () => number): T {
  return markParts(value, nextMark) as T;
}

function markParts(value: Json, nextMark: () => number): Json {
  if (isJsonArray(value))
    return value.map((element) =>
      markOf(element) !== undefined
        ? markParts(element, nextMark)
        : { mark: nextMark(), of: markParts(element, nextMark) },
    );
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, markParts(part, nextMark)]));
}

export function markOf(value: Json | undefined): number | undefined {
  return isJsonObject(value) && typeof value.mark === 'number' ? value.mark : undefined;
}

/** All objects with a mark, outer ones first. */
export function* markedIn(value: Json): Generator<JsonObject> {
  if (isJsonObject(value) && markOf(value) !== undefined) yield value;
  if (typeof value === 'object' && value !== null)
    for (const part of isJsonArray(value) ? value : Object.values(value)) yield* markedIn(part);
}

/**
 * What a pointer leads through, root first and the end included: an element as its mark, whatever its index; a member as
 * its key behind the name of its object; the place beyond an array's end as nothing.
 */
export function namesOn(view: JsonObject, pointer: string): string[] {
  return namesOfPath(view, parsePointer(pointer));
}

/** The names of what an edit takes away or puts another in the place of. */
export function namesGone(view: JsonObject, edit: Edit): string[] {
  if (edit.type !== 'splice') return namesOfPath(view, [...edit.path, edit.key]).slice(-1);
  return Array.from({ length: edit.remove }, (_, offset) =>
    namesOfPath(view, [...edit.path, edit.index + offset]).slice(-1),
  ).flat();
}

function namesOfPath(view: JsonObject, path: Path): string[] {
  const names: string[] = [];
  let value: Json | undefined = view;
  let name = '';
  for (const part of path) {
    if (isJsonArray(value)) {
      value = value[Number(part)];
      if (value === undefined) break;
      name = `#${markOf(value) ?? '?'}`;
    } else {
      value = isJsonObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
      name += `/${JSON.stringify(part)}`;
    }
    names.push(name);
  }
  return names;
}
