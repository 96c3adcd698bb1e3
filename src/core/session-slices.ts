// Builds the document of a new session from its UDT file in slices, each a transaction and an update of its own, so that a file of
// a million samples holds up nobody else. ProjectUdt writes the slices as they come.

import * as Y from 'yjs';
import { isJsonArray, type Json, type JsonObject } from '../model/json.ts';
import { isShortJson } from '../model/json-pieces.ts';
import { countOf } from './json-size.ts';
import { udtRoot } from './roots.ts';
import type { Sizes } from './sizes.ts';
import { toYValue } from './y-edits.ts';

export interface Slice {
  readonly update: Uint8Array;
  /** How many elements of `udt` are in it and in those before, of how many. */
  readonly done: number;
  readonly total: number;
}

/** @param doc is empty. @returns at least one slice. The document is whole when the last one was taken. */
export function* sessionSlices(doc: Y.Doc, udt: JsonObject, sizes: Sizes): Generator<Slice, void> {
  const updates: Uint8Array[] = [];
  const keep = (update: Uint8Array): void => void updates.push(update);
  const total = Object.values(udt).reduce<number>(
    (sum, value) => sum + (isJsonArray(value) ? value.length : 1),
    0,
  );
  let done = 0;
  doc.on('update', keep);
  try {
    for (const { steps, elements } of slicesOf(doc.getMap(udtRoot), udt, sizes)) {
      doc.transact(() => {
        for (const step of steps) step();
      });
      done += elements;
      yield { update: updates.pop() ?? nothingNew, done, total };
    }
  } finally {
    doc.off('update', keep);
  }
}

interface Steps {
  readonly steps: readonly (() => void)[];
  readonly elements: number;
}

function* slicesOf(
  root: Y.Map<unknown>,
  udt: JsonObject,
  { sliceValues, uncutUnits }: Sizes,
): Generator<Steps, void> {
  let steps: (() => void)[] = [];
  let values = 0;
  let elements = 0;
  for (const [key, value] of Object.entries(udt)) {
    if (!isJsonArray(value) || isShortJson(value, uncutUnits)) {
      steps.push(() => root.set(key, toYValue(value)));
      values += countOf(value);
      elements += isJsonArray(value) ? value.length : 1;
      continue;
    }
    const array = new Y.Array<unknown>();
    steps.push(() => root.set(key, array));
    let from = 0;
    for (const [index, element] of value.entries()) {
      values += countOf(element);
      if (values < sliceValues && index < value.length - 1) continue;
      steps.push(appending(array, value.slice(from, index + 1)));
      elements += index + 1 - from;
      from = index + 1;
      yield { steps, elements };
      [steps, values, elements] = [[], 0, 0];
    }
  }
  yield { steps, elements };
}

function appending(array: Y.Array<unknown>, elements: readonly Json[]): () => void {
  return () => {
    // Yjs goes through all elements to find the end, unless it was near it before.
    if (array.length > 0) array.get(array.length - 1);
    array.push(elements.map((element) => toYValue(element)));
  };
}

/** A Yjs update without structs and deletions: a session may start with nothing in it. */
export const nothingNew = new Uint8Array([0, 0]);
