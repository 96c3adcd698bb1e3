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
    throw new RejoinError('bad-request', 'Invalid JSON');
  }
  return checkJson(value);
}

/**
 * Checks what came out of JSON.parse, without recursion.
 * @param value consists of what JSON has: null, booleans, numbers, strings, arrays and plain objects.
 * @throws RejoinError `bad-request` that names the path (a JSON Pointer) of a lone surrogate, a number outside
 *   the range of a double, a key `__proto__`, or a value nested too deep.
 */
export function checkJson(value: unknown): Json {
  const stack: { value: unknown; path: Path }[] = [{ value, path: null }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, path } = next;
    if (typeof value === 'string') {
      if (!value.isWellFormed()) throw refusal(path, 'has a lone surrogate: text must be valid Unicode');
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw refusal(path, 'is a number too large for a double');
    } else if (typeof value === 'object' && value !== null) {
      if ((path?.depth ?? 0) >= jsonDepthMax) throw tooDeep(pointerOf(path));
      const depth = (path?.depth ?? 0) + 1;
      if (Array.isArray(value)) {
        value.forEach((item: unknown, index) => {
          if (item !== null && typeof item !== 'boolean')
            stack.push({ value: item, path: { parent: path, key: String(index), depth } });
        });
      } else {
        for (const [key, member] of Object.entries(value)) {
          const memberPath = { parent: path, key, depth };
          if (key === '__proto__') throw refusal(memberPath, 'has the key __proto__, which is not allowed');
          if (!key.isWellFormed()) throw refusal(memberPath, 'has a lone surrogate in its key');
          stack.push({ value: member, path: memberPath });
        }
      }
    }
  }
  return value as Json; // the one place where what was checked gets its type
}

type Path = { readonly parent: Path; readonly key: string; readonly depth: number } | null;

const deepTextUnits = 65_536;

/** Whether JSON text nests deeper, without parsing it. */
export function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return false;
}

function pointerOf(path: Path): string {
  const keys: string[] = [];
  for (let at = path; at; at = at.parent) keys.unshift(escapeKey(at.key.toWellFormed()));
  return keys.length === 0 ? 'the root' : '/' + keys.join('/');
}

/** A key as a part of a JSON Pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function refusal(path: Path, problem: string): RejoinError {
  return new RejoinError('bad-request', `${pointerOf(path)} ${problem}`);
}

function tooDeep(pointer: string): RejoinError {
  const where = pointer === '' ? 'The JSON' : pointer;
  return new RejoinError('bad-request', `${where} is nested deeper than ${jsonDepthMax} levels`);
}
