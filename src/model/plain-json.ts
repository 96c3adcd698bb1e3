// The check of values that were never JSON text: what a Yjs client stored can hold bytes, bigints, shared types and
// undefined, which `checkJson` doesn't expect. `checkYjsObject` calls it.

import { RejoinError } from '../errors.ts';
import { checkJson, escapeKey, jsonDepthMax, type Json } from './json.ts';

/**
 * Checks that a value of any origin is JSON, and passes `checkJson`.
 * @throws RejoinError `bad-request` that names the path (a JSON Pointer) and what is there instead.
 */
export function checkPlainJson(value: unknown): Json {
  const foreign = findForeign(value, 0);
  if (foreign) {
    const pointer = foreign.pointer === '' ? 'the root' : foreign.pointer;
    throw new RejoinError('bad-request', `${pointer} is ${foreign.what}, which is not JSON`);
  }
  return checkJson(value);
}

interface Foreign {
  readonly pointer: string;
  readonly what: string;
}

function findForeign(value: unknown, depth: number): Foreign | undefined {
  // Below this nothing needs a look: checkJson refuses the depth.
  if (depth > jsonDepthMax || value === null) return undefined;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { pointer: '', what: String(value) };
    case 'object':
      if (Array.isArray(value)) return findInMembers(value.entries(), depth);
      if (!isPlain(value)) return { pointer: '', what: describe(value) };
      return findInMembers(Object.entries(value), depth);
    default:
      return { pointer: '', what: typeof value === 'undefined' ? 'undefined' : `a ${typeof value}` };
  }
}

function findInMembers(members: Iterable<[string | number, unknown]>, depth: number): Foreign | undefined {
  for (const [key, member] of members) {
    const foreign = findForeign(member, depth + 1);
    if (foreign)
      return { pointer: `/${escapeKey(String(key).toWellFormed())}${foreign.pointer}`, what: foreign.what };
  }
  return undefined;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: object): string {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  // A decoder that assigns a key `__proto__` replaces the prototype.
  return tag === 'Object'
    ? 'no plain object (a shared type, an instance, or one with a key __proto__)'
    : `a ${tag}`;
}
