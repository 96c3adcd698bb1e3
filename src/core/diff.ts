// The difference between two JSON values as the smallest row of edits (UDT-12), so that two people who change
// different fields of one sample both keep theirs. Patches are planned with it, and what Yjs clients did is read with it.

import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { arrayHunks } from './array-hunks.ts';
import type { Edit, Path } from './edits.ts';
import { jsonEquals } from './json-equals.ts';

/**
 * The edits that turn `before`, which is the value at `path`, into `after`; each sees the effect of those before.
 * Containers of the same sort are compared part by part; anything else is set or spliced as a whole at `path`.
 * The edits hold parts of `after`, never of `before`. Equal values give none.
 * @throws RejoinError `internal` for a root (an empty path) that is not an object on both sides.
 */
export function diff(before: Json, after: Json, path: Path): Edit[] {
  const edits: Edit[] = [];
  compare(before, after, path, edits);
  return edits;
}

function compare(before: Json, after: Json, path: Path, edits: Edit[]): void {
  if (before === after) return;
  if (isJsonArray(before) && isJsonArray(after)) compareArrays(before, after, path, edits);
  else if (isJsonObject(before) && isJsonObject(after)) compareObjects(before, after, path, edits);
  else if (!jsonEquals(before, after)) edits.push(assignment(path, after));
}

function compareObjects(before: JsonObject, after: JsonObject, path: Path, edits: Edit[]): void {
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) edits.push({ type: 'unset', path, key });
  }
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (old === undefined) edits.push({ type: 'set', path, key, value });
    else if (old !== value) compare(old, value, [...path, key], edits);
  }
}

function compareArrays(before: readonly Json[], after: readonly Json[], path: Path, edits: Edit[]): void {
  for (const hunk of arrayHunks(before, after)) {
    const insert = after.slice(hunk.after, hunk.after + hunk.inserted);
    if (hunk.removed !== hunk.inserted) {
      // All before this hunk is as in `after` by now, so its index there is its index here.
      edits.push({ type: 'splice', path, index: hunk.after, remove: hunk.removed, insert });
      continue;
    }
    insert.forEach((value, offset) => {
      const old = before[hunk.before + offset];
      if (old !== undefined && old !== value) compare(old, value, [...path, hunk.after + offset], edits);
    });
  }
}

function assignment(path: Path, value: Json): Edit {
  const container = path.slice(0, -1);
  const last = path.at(-1);
  if (typeof last === 'string') return { type: 'set', path: container, key: last, value };
  if (typeof last === 'number')
    return { type: 'splice', path: container, index: last, remove: 1, insert: [value] };
  throw new RejoinError('internal', 'The root of a document can only become another object');
}
