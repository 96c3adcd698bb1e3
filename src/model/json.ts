// JSON values, and the check that every value from outside passes before it goes near a document: what Yjs, JSON
// or a prototype can't carry is refused by name (UDT-22, WS-25, UDT-4).

import { RejoinError } from '../errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** How deep a value from outside may be nested. Real UDT files stay below 12. */
export const jsonDepthMax = 64;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * Parses JSON text from outside.
 * @returns a value that passed `checkJson`.
 * @throws RejoinError `bad-request` that says where the text or the value is wrong.
 */
export function parseJson(text: string): Json {
  // JSON.parse copes with any depth, but turns 100 MB of brackets into gigabytes of arrays.
  if (text.length > deepTextUnits && isDeeperThan(text, jsonDepthMax)) throw tooDeep('');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidJson();
  }
  return checkJson(value);
}

export function invalidJson(): RejoinError {
  return new RejoinError('bad-request', 'Invalid JSON');
}

/**
 * Checks what came out of JSON.parse, without recursion, in memory for the containers around one value: a body may
 * have tens of millions of values.
 * @param value consists of what JSON has: null, booleans, numbers, strings, arrays and plain objects.
 * @throws RejoinError `bad-request` that names the path (a JSON Pointer) of the first lone surrogate, number outside
 *   the range of a double, key `__proto__`, or value nested too deep.
 */
export function checkJson(value: unknown): Json {
  const way: Visit[] = [];
  checkValue(value, way);
  for (let visit = way.at(-1); visit; visit = way.at(-1)) if (!checkMembers(visit, way, Infinity)) way.pop();
  return value as Json; // what was checked gets its type
}

/**
 * As `checkJson`, for a value that takes long.
 * @param breathe resolves when others have had their turn. It is awaited every few milliseconds.
 */
export async function checkJsonInSlices(
  value: unknown,
  breathe: () => Promise<void>,
  sliceValues = 65_536,
): Promise<Json> {
  const way: Visit[] = [];
  checkValue(value, way);
  let left = sliceValues;
  for (let visit = way.at(-1); visit; visit = way.at(-1)) {
    const before = visit.next;
    const hasMore = checkMembers(visit, way, left);
    left -= visit.next - before + 1;
    if (!hasMore) way.pop();
    if (left > 0) continue;
    left = sliceValues;
    await breathe();
  }
  return value as Json; // as in checkJson
}

/** A container that is being checked. All visits under way, outermost first, are the way to the value at hand. */
type Visit = { next: number } & (
  | { readonly items: readonly Json[] }
  | { readonly items: undefined; readonly object: JsonObject; readonly keys: readonly string[] }
);

/**
 * Goes on with a visit, by so many members at most.
 * @returns whether there may be more to check before it is done: a container inside that is now to be visited, or the rest.
 */
function checkMembers(visit: Visit, way: Visit[], membersMax: number): boolean {
  const end = visit.next + membersMax;
  if (visit.items) {
    while (visit.next < visit.items.length) {
      if (visit.next >= end || checkValue(visit.items[visit.next++], way)) return true;
    }
    return false;
  }
  while (visit.next < visit.keys.length) {
    if (visit.next >= end) return true;
    const key = visit.keys[visit.next++] ?? '';
    if (key === '__proto__') throw refusal(way, 'has the key __proto__, which is not allowed');
    if (!key.isWellFormed()) throw refusal(way, 'has a lone surrogate in its key');
    if (checkValue(visit.object[key], way)) return true;
  }
  return false;
}

/** Checks the value that `way` leads to. @returns whether it is a container, which is now the end of the way. */
function checkValue(value: unknown, way: Visit[]): boolean {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw refusal(way, 'has a lone surrogate: text must be valid Unicode');
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refusal(way, 'is a number too large for a double');
  } else if (isJsonArray(value)) {
    enter({ items: value, next: 0 }, way);
    return true;
  } else if (isJsonObject(value)) {
    enter({ items: undefined, object: value, keys: Object.keys(value), next: 0 }, way);
    return true;
  }
  return false;
}

function enter(visit: Visit, way: Visit[]): void {
  if (way.length >= jsonDepthMax) throw tooDeep(pointerOf(way));
  way.push(visit);
}

const deepTextUnits = 65_536;

/** Whether JSON text nests deeper, without parsing it. */
export function isDeeperThan(text: string, depthMax: number): boolean {
  return new DepthGauge(depthMax).isTooDeep(text);
}

/** Finds out whether JSON text nests deeper than allowed, part by part. */
export class DepthGauge {
  private depth = 0;
  private isInString = false;
  /** How many units of the next part belong to an escape. */
  private escaped = 0;

  constructor(private readonly depthMax = jsonDepthMax) {}

  /** Takes the next part. @returns whether it got too deep; what comes then doesn't matter. */
  isTooDeep(text: string): boolean {
    let { depth, isInString } = this;
    let i = this.escaped;
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (isInString) {
        if (unit === 0x5c) i++;
        else if (unit === 0x22) isInString = false;
      } else if (unit === 0x22) isInString = true;
      else if (unit === 0x5b || unit === 0x7b) {
        if (++depth > this.depthMax) return true;
      } else if (unit === 0x5d || unit === 0x7d) depth--;
    }
    this.escaped = i - text.length;
    this.depth = depth;
    this.isInString = isInString;
    return false;
  }
}

function pointerOf(way: readonly Visit[]): string {
  if (way.length === 0) return 'the root';
  const keys = way.map((visit) =>
    visit.items ? String(visit.next - 1) : (visit.keys[visit.next - 1] ?? ''),
  );
  return keys.map((key) => '/' + escapeKey(key.toWellFormed())).join('');
}

/** A key as a part of a JSON Pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function refusal(way: readonly Visit[], problem: string): RejoinError {
  return new RejoinError('bad-request', `${pointerOf(way)} ${problem}`);
}

/** @param pointer to what is too deep; empty when that isn't known. */
export function tooDeep(pointer: string): RejoinError {
  const where = pointer === '' ? 'The JSON' : pointer;
  return new RejoinError('bad-request', `${where} is nested deeper than ${jsonDepthMax} levels`);
}
