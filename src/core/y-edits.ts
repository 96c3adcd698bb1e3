// Executes edits of the JSON view on the shared types behind it. The project calls it inside its own transactions,
// where nothing may fail: a throw doesn't undo what was done before it.

import * as Y from 'yjs';
import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, jsonDepthMax, type Json } from '../model/json.ts';
import type { Edit, Path } from './edits.ts';
import { isContainer, plainToJson } from './y-value.ts';

/** Finds the elements of arrays that the transaction hasn't changed so far; a JsonView is one. */
export interface ElementFinder {
  elementAt(array: Y.Array<unknown>, index: number): unknown;
}

/**
 * Executes the edits in order, each on what those before have left, inside the caller's transaction.
 * @param edits fit the JSON view of `root`.
 * @param elements finds them faster than Yjs does; up to date as of the beginning of the transaction.
 * @throws RejoinError `internal` when an edit doesn't fit.
 */
export function applyEditsToY(root: Y.Map<unknown>, edits: readonly Edit[], elements?: ElementFinder): void {
  const changed = new Set<Y.Array<unknown>>();
  const elementAt = (array: Y.Array<unknown>, index: number) =>
    elements && !changed.has(array) ? elements.elementAt(array, index) : array.get(index);
  for (const edit of edits) {
    const container = containerAt(root, edit.path, { elementAt, changed });
    if (edit.type === 'splice') {
      if (!(container instanceof Y.Array)) throw misfit(edit, 'no array');
      changed.add(container);
      splice(container, edit);
    } else if (container instanceof Y.Map) setOrUnset(container, edit);
    else throw misfit(edit, 'no object');
  }
}

/**
 * Objects as Y.Map and arrays as Y.Array, not yet part of a document; anything else as it is.
 * @param levels of containers that are converted; what lies deeper stays a plain value, because Yjs recurses when it
 *   integrates types. No value from outside is deeper.
 */
export function toYValue(value: Json, levels: number = jsonDepthMax): YValue {
  if (levels === 0) return value;
  if (isJsonArray(value)) {
    const array = new Y.Array<unknown>();
    // Yjs spreads what is pushed into the arguments of a call, of which there can't be 100,000.
    for (let start = 0; start < value.length; start += pushedElementsMax) {
      const part = value.slice(start, start + pushedElementsMax);
      array.push(part.map((element) => toYValue(element, levels - 1)));
    }
    return array;
  }
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value);
  return new Y.Map<unknown>(members.map(([key, member]) => [key, toYValue(member, levels - 1)]));
}

export type YValue = Y.Map<unknown> | Y.Array<unknown> | Json;

const pushedElementsMax = 10_000;

interface Walk {
  elementAt(array: Y.Array<unknown>, index: number): unknown;
  readonly changed: Set<Y.Array<unknown>>;
}

type Container = Y.Map<unknown> | Y.Array<unknown>;

function containerAt(root: Y.Map<unknown>, path: Path, walk: Walk): Container {
  let container: Container = root;
  for (const [depth, step] of path.entries()) {
    const next = enter(container, step, depth + 2, walk);
    if (!next) throw new RejoinError('internal', `An edit doesn't fit: ${printPath(path)} leads nowhere`);
    container = next;
  }
  return container;
}

/**
 * The container at a place of another one. A plain object or array is replaced by shared types of equal content first.
 * @param level the one entered has in the view, so that both are cut off at the same one.
 */
function enter(
  container: Container,
  step: string | number,
  level: number,
  walk: Walk,
): Container | undefined {
  const value = valueAt(container, step, walk);
  if (isContainer(value)) return value;
  const shared = toYValue(plainToJson(value, level, () => undefined) ?? null);
  if (!isContainer(shared)) return undefined;
  if (container instanceof Y.Map) container.set(String(step), shared);
  else {
    walk.changed.add(container);
    container.delete(Number(step));
    container.insert(Number(step), [shared]);
  }
  return shared;
}

function valueAt(container: Container, step: string | number, walk: Walk): unknown {
  if (container instanceof Y.Map) return typeof step === 'string' ? container.get(step) : undefined;
  return typeof step === 'number' ? walk.elementAt(container, step) : undefined;
}

function setOrUnset(map: Y.Map<unknown>, edit: Extract<Edit, { key: string }>): void {
  if (edit.type === 'set') map.set(edit.key, toYValue(edit.value));
  else if (map.has(edit.key)) map.delete(edit.key);
  else throw misfit(edit, `no member ${JSON.stringify(edit.key)}`);
}

function splice(array: Y.Array<unknown>, edit: Extract<Edit, { type: 'splice' }>): void {
  if (edit.index + edit.remove > array.length) throw misfit(edit, `only ${array.length} elements`);
  if (edit.remove > 0) array.delete(edit.index, edit.remove);
  // One call, in which Yjs looks for the place once.
  if (edit.insert.length > 0)
    array.insert(
      edit.index,
      edit.insert.map((value) => toYValue(value)),
    );
}

function misfit(edit: Edit, found: string): RejoinError {
  return new RejoinError(
    'internal',
    `An edit (${edit.type}) doesn't fit: ${found} at ${printPath(edit.path)}`,
  );
}

function printPath(path: Path): string {
  return JSON.stringify(path);
}
