// Plans a JSON Patch (RFC 6902) from the UDT wire against a view: the edits it comes to, and the view after it.
// Nothing is changed here, so a patch with an operation that can't be applied has no effect at all (UDT-4).

import { RejoinError } from '../errors.ts';
import { isJsonObject, jsonDepthMax, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { diff } from './diff.ts';
import { Draft, type Edit, type Path } from './edits.ts';
import { joinSplices } from './join-splices.ts';
import { jsonEquals } from './json-equals.ts';
import {
  elementIndex,
  insertionIndex,
  noMember,
  parsePointer,
  placeOf,
  valueAt,
  type Place,
} from './json-pointer.ts';
import { countOf, levelsOf } from './json-size.ts';

/**
 * Each operation sees the effect of those before it. What is replaced is compared with what is there, so that only
 * the differences become edits (UDT-12).
 * @throws RejoinError whose message names the operation, counted from 0: `bad-request` for a path that is none or
 *   breaks UDT-4, or a result nested too deep; `conflict` for what can't be applied to this view; `too-large`.
 */
export function planPatch(
  view: JsonObject,
  operations: readonly Operation[],
): { edits: Edit[]; view: JsonObject } {
  const draft = new Draft(view);
  const edits = planOn(draft, operations);
  return { edits, view: draft.view };
}

/**
 * The edits of `planPatch`, without a copy of the long arrays that are members of the view: they are changed while the patch is
 * being planned, and are what they were when it is.
 */
export function planEdits(view: JsonObject, operations: readonly Operation[]): Edit[] {
  const draft = new Draft(view, 'in-place');
  try {
    return planOn(draft, operations);
  } finally {
    draft.revert();
  }
}

function planOn(draft: Draft, operations: readonly Operation[]): Edit[] {
  const steps = operations.map((operation, index) => naming(operation, index, () => parseStep(operation)));
  const plan = new Plan(draft);
  steps.forEach((step, index) => naming(step.operation, index, () => plan.add(step)));
  return joinSplices(plan.edits);
}

/** How many values the `copy` operations of one patch may copy: each can double the document. */
const copiedValuesMax = 1_000_000;

type Parts = readonly string[];

interface Step {
  readonly operation: Operation;
  readonly path: Parts;
  readonly from: Parts;
}

function parseStep(operation: Operation): Step {
  const from = 'from' in operation ? parsePointer(operation.from) : [];
  return { operation, path: parsePointer(operation.path), from };
}

/** What `act` returns. What it throws names the operation, counted from 0. */
export function naming<Result>(operation: Operation, index: number, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof RejoinError) || error.code === 'internal') throw error;
    const message = `Operation ${index} (${operation.op} ${operation.path}): ${error.message}`;
    throw new RejoinError(error.code, message, { cause: error });
  }
}

class Plan {
  readonly edits: Edit[] = [];
  private copiedValues = 0;

  constructor(private readonly draft: Draft) {}

  get view(): JsonObject {
    return this.draft.view;
  }

  add({ operation, path, from }: Step): void {
    switch (operation.op) {
      case 'add':
        this.insert(path, operation.value);
        return;
      case 'replace':
        this.replace(path, operation.value);
        return;
      case 'remove':
        this.remove(path);
        return;
      case 'move':
        this.move(from, path);
        return;
      case 'copy':
        this.copy(from, path);
        return;
      case 'test':
        if (!jsonEquals(this.draft.whole(this.valueAt(path)), operation.value))
          throw conflict('the value is another');
    }
  }

  private insert(parts: Parts, value: Json): void {
    const place = this.placeOf(parts);
    checkDepth(parts, value);
    switch (place.in) {
      case 'nothing':
        this.become(this.view, value, []);
        return;
      case 'object':
        this.setMember(place.object, place.path, place.key, value);
        return;
      case 'array': {
        const index = insertionIndex(place.array, place.part);
        this.edit({ type: 'splice', path: place.path, index, remove: 0, insert: [value] });
        return;
      }
    }
  }

  private replace(parts: Parts, value: Json): void {
    const place = this.placeOf(parts);
    checkDepth(parts, value);
    switch (place.in) {
      case 'nothing':
        this.become(this.view, value, []);
        return;
      case 'object':
        // UDT-4: a top-level key may be missing.
        if (place.path.length > 0 && !Object.hasOwn(place.object, place.key))
          throw noMember(place.key, parts.slice(0, -1));
        this.setMember(place.object, place.path, place.key, value);
        return;
      case 'array': {
        const index = elementIndex(place.array, place.part);
        this.become(place.array.at(index) ?? null, value, [...place.path, index]);
        return;
      }
    }
  }

  private remove(parts: Parts): void {
    const place = this.placeOf(parts);
    switch (place.in) {
      case 'nothing':
        throw rootStays();
      case 'object':
        // UDT-4: removing a missing member succeeds.
        if (!Object.hasOwn(place.object, place.key)) return;
        this.edit({ type: 'unset', path: place.path, key: place.key });
        return;
      case 'array': {
        const index = elementIndex(place.array, place.part);
        this.edit({ type: 'splice', path: place.path, index, remove: 1, insert: [] });
        return;
      }
    }
  }

  private move(from: Parts, parts: Parts): void {
    const value = this.valueAt(from);
    if (from.every((part, depth) => part === parts[depth])) {
      if (from.length === parts.length) return;
      throw conflict('a value cannot be moved into itself');
    }
    const moved = this.draft.sealed(value);
    this.remove(from);
    this.insert(parts, moved);
  }

  private copy(from: Parts, parts: Parts): void {
    const value = this.valueAt(from);
    this.copiedValues += countOf(this.draft.whole(value));
    if (this.copiedValues > copiedValuesMax)
      throw new RejoinError('too-large', `a patch can copy ${copiedValuesMax} values at most`);
    this.insert(parts, this.draft.sealed(value));
  }

  private setMember(object: JsonObject, path: Path, key: string, value: Json): void {
    const before = Object.hasOwn(object, key) ? object[key] : undefined;
    if (before === undefined) this.edit({ type: 'set', path, key, value });
    else this.become(before, value, [...path, key]);
  }

  private become(before: Json, value: Json, path: Path): void {
    if (path.length === 0 && !isJsonObject(value)) throw rootStays();
    for (const edit of diff(this.draft.whole(before), value, path)) this.edit(edit);
  }

  private placeOf(parts: Parts): Place {
    return placeOf(this.view, parts, (array) => this.draft.elementsOf(array));
  }

  private valueAt(parts: Parts): Json {
    return valueAt(this.view, parts, (array) => this.draft.elementsOf(array));
  }

  private edit(edit: Edit): void {
    this.draft.apply(edit);
    this.edits.push(edit);
  }
}

function checkDepth(parts: Parts, value: Json): void {
  if (parts.length + levelsOf(value) > jsonDepthMax)
    throw new RejoinError('bad-request', `the value would be nested deeper than ${jsonDepthMax} levels`);
}

function rootStays(): RejoinError {
  return conflict('the root must stay an object');
}

function conflict(problem: string): RejoinError {
  return new RejoinError('conflict', problem);
}
