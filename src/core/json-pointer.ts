// JSON Pointers (RFC 6901) and what they lead to in a view. Own members only: a prototype is never looked into.

import { RejoinError } from '../errors.ts';
import { escapeKey, isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Elements, Path } from './edits.ts';

/**
 * The unescaped parts of a pointer.
 * @throws RejoinError `bad-request` for what is no pointer, or has a part `__proto__` (UDT-4).
 */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw badRequest(`"${pointer}" must be empty or start with "/"`);
  if (/~(?![01])/.test(pointer)) throw badRequest(`"${pointer}" has a "~" that is not followed by 0 or 1`);
  const parts = pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (parts.includes('__proto__')) throw badRequest('__proto__ is not allowed in a path');
  return parts;
}

/** Where the elements of an array of the view are. */
export type ElementsOf = (array: readonly Json[]) => Elements;

const itself: ElementsOf = (array) => array;

/** The place a pointer names: a container that exists, and the name of one of its parts, which need not exist. */
export type Place =
  | { readonly in: 'nothing' } // the root itself
  | { readonly in: 'object'; readonly object: JsonObject; readonly path: Path; readonly key: string }
  | { readonly in: 'array'; readonly array: Elements; readonly path: Path; readonly part: string };

/**
 * @param parts of a pointer; `path` in the answer is the way to the container.
 * @throws RejoinError `conflict` when the container doesn't exist, `bad-request` for a part `constructor` or
 *   `prototype` that is no own member (UDT-4).
 */
export function placeOf(view: JsonObject, parts: readonly string[], elementsOf: ElementsOf = itself): Place {
  const last = parts.at(-1);
  if (last === undefined) return { in: 'nothing' };
  refuseInherited(view, parts, elementsOf);
  const path: (string | number)[] = [];
  let container: Json = view;
  for (let depth = 0; depth < parts.length - 1; depth++) {
    const part = parts[depth] ?? '';
    if (isJsonArray(container)) {
      const elements = elementsOf(container);
      const index = elementIndex(elements, part);
      path.push(index);
      container = elements.at(index) ?? null;
    } else {
      path.push(part);
      container = memberOf(container, part, parts.slice(0, depth));
    }
  }
  if (isJsonArray(container)) return { in: 'array', array: elementsOf(container), path, part: last };
  if (isJsonObject(container)) return { in: 'object', object: container, path, key: last };
  throw plainValue(parts.slice(0, -1));
}

/**
 * The value a pointer leads to.
 * @throws RejoinError as `placeOf`, and `conflict` when there is none.
 */
export function valueAt(view: JsonObject, parts: readonly string[], elementsOf: ElementsOf = itself): Json {
  const place = placeOf(view, parts, elementsOf);
  switch (place.in) {
    case 'nothing':
      return view;
    case 'object':
      return memberOf(place.object, place.key, parts.slice(0, -1));
    case 'array':
      return place.array.at(elementIndex(place.array, place.part)) ?? null;
  }
}

/** The value at a path that the view has. */
export function valueIn(view: JsonObject, path: Path): Json {
  return path.reduce<Json>((value, part) => {
    const next = isJsonArray(value) ? value[Number(part)] : isJsonObject(value) ? value[part] : null;
    return next ?? null;
  }, view);
}

/**
 * The index of an element that exists.
 * @throws RejoinError `conflict` when it doesn't, or `part` is no index.
 */
export function elementIndex(array: Elements, part: string): number {
  const index = part === '-' ? array.length : parseIndex(part);
  if (index >= array.length) throw outOfRange(array);
  return index;
}

/**
 * The index at which an element can be inserted.
 * @throws RejoinError `conflict` when the array is too short for it, or `part` is no index.
 */
export function insertionIndex(array: Elements, part: string): number {
  const index = part === '-' ? array.length : parseIndex(part);
  if (index > array.length) throw outOfRange(array);
  return index;
}

function parseIndex(part: string): number {
  if (!isIndex(part)) throw conflict(`"${part}" is no index of an array`);
  return Number(part);
}

/** Whether a part of a pointer is an index where it leads into an array. */
export function isIndex(part: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(part);
}

function outOfRange(array: Elements): RejoinError {
  return conflict(`the array has only ${array.length} ${array.length === 1 ? 'element' : 'elements'}`);
}

function memberOf(container: Json, key: string, parts: readonly string[]): Json {
  if (!isJsonObject(container)) throw plainValue(parts);
  if (!Object.hasOwn(container, key)) throw noMember(key, parts);
  return container[key] ?? null;
}

/** @param parts of the pointer to the object. */
export function noMember(key: string, parts: readonly string[]): RejoinError {
  return conflict(`${named(parts)} has no member "${key}"`);
}

function plainValue(parts: readonly string[]): RejoinError {
  return conflict(`${named(parts)} is neither an object nor an array`);
}

function named(parts: readonly string[]): string {
  return parts.length === 0 ? 'the root' : '/' + parts.map(escapeKey).join('/');
}

/** UDT-4: what comes from a prototype is refused, wherever in the path it would be looked up. */
function refuseInherited(view: JsonObject, parts: readonly string[], elementsOf: ElementsOf): void {
  if (!parts.some(isInherited)) return;
  let container: Json | undefined = view;
  for (const part of parts) {
    container = ownPart(container, part, elementsOf);
    if (container === undefined && isInherited(part))
      throw badRequest(`${part} is allowed in a path as the name of an existing member only`);
  }
}

function isInherited(part: string): boolean {
  return part === 'constructor' || part === 'prototype';
}

function ownPart(container: Json | undefined, part: string, elementsOf: ElementsOf): Json | undefined {
  if (isJsonArray(container)) return isIndex(part) ? elementsOf(container).at(Number(part)) : undefined;
  return isJsonObject(container) && Object.hasOwn(container, part) ? container[part] : undefined;
}

function badRequest(problem: string): RejoinError {
  return new RejoinError('bad-request', problem);
}

function conflict(problem: string): RejoinError {
  return new RejoinError('conflict', problem);
}
