// Writes a change as the JSON Patch that UDT clients get. It is exact under RFC 6902 and under the library of the v1
// client (UDT-9), which splits a path at "/" and decodes nothing, drops empty parts of it, takes `add` of a numeric
// part as an overwrite and of "-" as an append to whatever is there, and throws on `remove` of a top-level key. A
// client whose library throws never polls again.

import { escapeKey, isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { arrayHunks, type Hunk } from './array-hunks.ts';
import type { Path } from './edits.ts';
import { jsonEquals } from './json-equals.ts';
import { valueIn } from './json-pointer.ts';
import { withOwnArrays, type DirtyPlace } from './y-view.ts';

/**
 * The patch that turns `before` into `after`: the net effect, whatever edits led there. It is fast when they share what
 * didn't change.
 */
export function wirePatch(before: JsonObject, after: JsonObject): Operation[] {
  const patch: Operation[] = [];
  return writeRoot(before, after, patch) ? patch : [{ op: 'replace', path: '', value: after }];
}

/**
 * The patch of what a change did at these places, none of which is in another.
 * @param after the view after the change. What is taken of it doesn't change any more, unlike the view's own arrays.
 * @returns null if it would shift a great many elements of an array one by one.
 */
export function wirePatchOf(places: readonly DirtyPlace[], after: JsonObject): Operation[] | null {
  try {
    return patchOf(places, after);
  } catch (error) {
    if (error instanceof TooLong) return null;
    throw error;
  }
}

/** Ends the writing of a patch from any depth: nobody will want it. */
class TooLong extends Error {}

/** About as many make a patch of a megabyte. */
const shiftedMax = 10_000;

function patchOf(places: readonly DirtyPlace[], after: JsonObject): Operation[] {
  const whole = new Set<string>();
  for (const { path, before, after: now } of places) {
    const oddPart = path.findIndex((part) => typeof part === 'string' && !isPlainPart(part));
    if (oddPart < 0 || jsonEquals(before, now)) continue;
    if (path[0] === '') return [{ op: 'replace', path: '', value: withOwnArrays(after) }];
    // The v1 client can't go through such a key: what holds it is replaced, or at the top level its value.
    whole.add(pointerTo(path.slice(0, Math.max(oddPart, 1))));
  }
  let patch: Operation[] = [];
  const replaced = new Map<string, Operation>();
  for (const { path, before, after: now } of places) {
    if (path.length === 0) {
      if (isJsonObject(before) && isJsonObject(now)) patch = patch.concat(wirePatch(before, now));
      continue;
    }
    const ways = path.map((_, depth) => path.slice(0, depth + 1));
    const held = ways.find((way) => whole.has(pointerTo(way)));
    if (!held) writeChange(before, now, pointerTo(path), patch);
    else {
      const pointer = pointerTo(held);
      const value = valueIn(after, held);
      replaced.set(pointer, {
        op: 'replace',
        path: pointer,
        value: isJsonArray(value) ? value.slice() : value,
      });
    }
  }
  return [...patch, ...replaced.values()];
}

// Each of these writes how a container became another and returns true; or returns false, having written anything or
// nothing, when the container has to be replaced as a whole.

function writeRoot(before: JsonObject, after: JsonObject, patch: Operation[]): boolean {
  if (Object.keys(before).some((key) => !Object.hasOwn(after, key))) return false;
  for (const [key, value] of Object.entries(after)) {
    const path = '/' + escapeKey(key);
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (old === value) continue;
    if (old !== undefined && isPlainPart(key)) writeChange(old, value, path, patch);
    else if (old !== undefined && jsonEquals(old, value)) continue;
    else if (key === '' || (old === undefined && key === '-')) return false;
    else patch.push({ op: old === undefined ? 'add' : 'replace', path, value });
  }
  return true;
}

function writeObject(before: JsonObject, after: JsonObject, path: string, patch: Operation[]): boolean {
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key)) continue;
    if (!isPlainPart(key)) return false;
    patch.push({ op: 'remove', path: `${path}/${key}` });
  }
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (old === value) continue;
    if (old === undefined) {
      if (!isPlainPart(key) || key === '-') return false;
      patch.push({ op: 'add', path: `${path}/${key}`, value });
    } else if (isPlainPart(key)) writeChange(old, value, `${path}/${key}`, patch);
    else if (!jsonEquals(old, value)) return false;
  }
  return true;
}

/**
 * An array is replaced as a whole when more than one operation, and more than half as many as it has elements
 * afterwards, would only close gaps or shift elements along. Appending elements and changes inside them don't count.
 */
function writeArray(
  before: readonly Json[],
  after: readonly Json[],
  path: string,
  patch: Operation[],
): boolean {
  let shifting = 0;
  for (const hunk of arrayHunks(before, after)) {
    const isAtEnd = hunk.before + hunk.removed === before.length;
    if (hunk.inserted > hunk.removed && !isAtEnd) {
      shifting += writeShifted(before.slice(hunk.before), after.slice(hunk.after), hunk.after, path, patch);
      break;
    }
    shifting += writeHunk(before, after, hunk, path, patch);
  }
  return shifting <= 1 || shifting * 2 <= after.length;
}

/** @returns how many elements are removed one by one. What is inserted beyond them is at the end of the array. */
function writeHunk(
  before: readonly Json[],
  after: readonly Json[],
  hunk: Hunk,
  path: string,
  patch: Operation[],
): number {
  for (let i = 0; i < hunk.inserted; i++) {
    const index = hunk.after + i;
    const value = after[index] ?? null;
    if (i < hunk.removed) writeChange(before[hunk.before + i] ?? null, value, `${path}/${index}`, patch);
    else patch.push({ op: 'add', path: `${path}/-`, value });
  }
  for (let i = hunk.removed - 1; i >= hunk.inserted; i--)
    patch.push({ op: 'remove', path: `${path}/${hunk.after + i}` });
  return Math.max(hunk.removed - hunk.inserted, 0);
}

/**
 * Writes the rest of an array from index `start` on position by position.
 * @returns how many elements are replaced or removed.
 */
function writeShifted(
  before: readonly Json[],
  after: readonly Json[],
  start: number,
  path: string,
  patch: Operation[],
): number {
  if (after.length > shiftedMax) throw new TooLong();
  let shifting = Math.max(before.length - after.length, 0);
  after.forEach((value, i) => {
    if (i >= before.length) patch.push({ op: 'add', path: `${path}/-`, value });
    else if (before[i] !== value) {
      patch.push({ op: 'replace', path: `${path}/${start + i}`, value });
      shifting++;
    }
  });
  for (let i = before.length - 1; i >= after.length; i--)
    patch.push({ op: 'remove', path: `${path}/${start + i}` });
  return shifting;
}

function writeChange(before: Json, after: Json, path: string, patch: Operation[]): void {
  if (before === after) return;
  const written = patch.length;
  if (isJsonArray(before) && isJsonArray(after)) {
    if (writeArray(before, after, path, patch)) return;
  } else if (isJsonObject(before) && isJsonObject(after)) {
    if (writeObject(before, after, path, patch)) return;
  } else if (jsonEquals(before, after)) return;
  patch.length = written;
  patch.push({ op: 'replace', path, value: after });
}

function pointerTo(path: Path): string {
  return path.map((part) => `/${escapeKey(String(part))}`).join('');
}

/** Whether the key is one part of a path for both readers. */
export function isPlainPart(key: string): boolean {
  return key !== '' && !/[~/]/.test(key);
}
