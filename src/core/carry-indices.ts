// Carries a JSON Patch that was made against an older state over the changes since, so that its array indices hit the
// elements they were meant for (UDT-11). The project does so before it plans such a patch. It is operational
// transformation: each operation is carried over the changes, and the changes over each operation.

import { RejoinError } from '../errors.ts';
import { escapeKey } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { changeBeyond, pathOver, type Change, type Step } from './carried-change.ts';
import type { Edit, Path } from './edits.ts';
import { isIndex, parsePointer } from './json-pointer.ts';
import { naming } from './plan-patch.ts';

/** How often one patch may have an operation carried over a change. It takes a fifth of a second, or twice that for moves. */
export const carryStepsMax = 2_000_000;

/**
 * The patch that does to the present state what `operations` was meant to do to the older one. What has no array index
 * in its path, and `-`, stays as it is. Other elements inserted at the very place of an `add` end up before its own.
 * @param operations made against the older state, each seeing the effect of those before.
 * @param edits from the older state to the present one, exactly, each seeing the effect of those before.
 * @throws RejoinError whose message names the operation, counted from 0: `conflict` when the element it was meant for,
 *   or a container on the way to it, is gone or another one, or when it takes more than `carryStepsMax` steps;
 *   `bad-request` for a path that is none.
 */
export function carryIndices(operations: readonly Operation[], edits: readonly Edit[]): Operation[] {
  const steps = operations.map((operation, index) => naming(operation, index, () => parseStep(operation)));
  let changes = changesThatMatter(steps, edits);
  let stepsLeft = carryStepsMax;
  return operations.map((operation, index) =>
    naming(operation, index, () => {
      const step = steps[index];
      stepsLeft -= changes.length;
      if (stepsLeft < 0) throw tooManySteps();
      if (!step || changes.length === 0) return operation;
      const carried = carry(step, changes);
      changes = carried.changes;
      return printed(operation, step, carried.step);
    }),
  );
}

/** @returns the step as it is after the changes, and the changes as they are after the step. */
function carry(step: Step, changes: readonly Change[]): { step: Step; changes: Change[] } {
  const beyond: Change[] = [];
  let carried = step;
  for (const change of changes) {
    const next = pathOver(carried, change);
    changeBeyond(change, carried, beyond);
    carried = next;
  }
  return { step: carried, changes: beyond };
}

function parseStep(operation: Operation): Step {
  const path = parsePath(operation.path);
  return 'from' in operation
    ? { op: operation.op, path, from: parsePath(operation.from) }
    : { op: operation.op, path };
}

function parsePath(pointer: string): Path {
  return parsePointer(pointer).map((part) =>
    isIndex(part) && Number.isSafeInteger(Number(part)) ? Number(part) : part,
  );
}

function printed(operation: Operation, before: Step, after: Step): Operation {
  if (after === before) return operation;
  const path = pointerOf(after.path);
  return 'from' in operation && 'from' in after
    ? { ...operation, path, from: pointerOf(after.from) }
    : { ...operation, path };
}

function pointerOf(path: Path): string {
  return path.map((part) => '/' + escapeKey(String(part))).join('');
}

/**
 * The edits as changes, without those that no operation can notice: mostly labels. Where nothing is moved or copied, an
 * operation meets the containers on its path and no others, whatever the indices are carried to.
 */
function changesThatMatter(steps: readonly Step[], edits: readonly Edit[]): Change[] {
  const isAll = steps.some((step) => 'from' in step);
  const { arrays, containers } = shapesOf(steps);
  return edits.flatMap((edit): Change[] => {
    if (edit.type !== 'splice') {
      const target = [...edit.path, edit.key];
      return isAll || containers.has(shapeOf(target)) ? [{ type: 'assignment', target }] : [];
    }
    const { path, index, remove, insert } = edit;
    if (remove !== insert.length) {
      const inserted = insert.length;
      return isAll || arrays.has(shapeOf(path))
        ? [{ type: 'splice', path, index, removed: remove, inserted }]
        : [];
    }
    // Each was replaced in its place.
    if (!isAll && !containers.has(shapeOf([...path, index]))) return [];
    return insert.map((_, offset) => ({ type: 'assignment', target: [...path, index + offset] }));
  });
}

/** The shapes of all arrays that the steps give an index of, and of all containers that lead to one. */
function shapesOf(steps: readonly Step[]): { arrays: Set<string>; containers: Set<string> } {
  const arrays = new Set<string>();
  const containers = new Set<string>();
  for (const { path } of steps) {
    let shape = '';
    for (const part of path.slice(0, path.findLastIndex((last) => typeof last === 'number') + 1)) {
      containers.add(shape);
      if (typeof part === 'number') arrays.add(shape);
      shape += shapeOf([part]);
    }
  }
  return { arrays, containers };
}

/** A path without its indices: what stays when it is carried. */
function shapeOf(path: Path): string {
  return path.map((part) => (isIndex(String(part)) ? '/0' : '/' + escapeKey(String(part)))).join('');
}

function tooManySteps(): RejoinError {
  return new RejoinError(
    'conflict',
    `the patch was made against a state that is too old: to carry its array indices over all changes since takes more than ${carryStepsMax} steps`,
  );
}
