// The two sizes of a JSON value that a patch can blow up although every value in it is small: how deep it nests,
// by adding below what was added, and how many values it has, by copying what was copied.

import { isJsonArray, isJsonObject, type Json } from '../model/json.ts';

/** How many containers are nested in each other: 0 for a plain value. */
export function levelsOf(value: Json): number {
  let below = 0;
  for (const part of partsOf(value)) {
    if (typeof part === 'object') below = Math.max(below, levelsOf(part));
  }
  return typeof value === 'object' && value !== null ? below + 1 : 0;
}

/** How many values it consists of, itself included. */
export function countOf(value: Json): number {
  let count = 1;
  for (const part of partsOf(value)) count += countOf(part);
  return count;
}

function partsOf(value: Json): readonly Json[] {
  if (isJsonArray(value)) return value;
  return isJsonObject(value) ? Object.values(value) : [];
}
