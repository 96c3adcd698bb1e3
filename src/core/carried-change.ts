// One operation of a patch and one change that somebody else made to the same state: what the operation's path is after
// the change, and what the change is after the operation. Patches against older states are carried with it (UDT-11).

import { RejoinError } from '../errors.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Path } from './edits.ts';

/** What matters of an edit. The types of its parts tell arrays from objects, which a pointer can't. */
export type Change = Assignment | Splice;

/** The value at `target` was set, removed or replaced as a whole; in an array all others have kept their indices. */
interface Assignment {
  readonly type: 'assignment';
  readonly target: Path;
}

/** Of the array at `path`, `removed` elements from `index` on are gone, and `inserted` others are there. */
interface Splice {
  readonly type: 'splice';
  readonly path: Path;
  readonly index: number;
  readonly removed: number;
  readonly inserted: number;
}

/** What matters of an operation: where it leads. A number is what can be an index, or else the name of a member. */
export type Step = StepInPlace | StepFrom;

interface StepInPlace {
  readonly op: Exclude<Operation['op'], 'move' | 'copy'>;
  readonly path: Path;
}

interface StepFrom {
  readonly op: 'move' | 'copy';
  readonly path: Path;
  readonly from: Path;
}

/**
 * The step as it is after the change; both are made to one state.
 * @throws RejoinError `conflict` when what it was meant for is gone.
 */
export function pathOver(step: Step, change: Change): Step {
  switch (step.op) {
    case 'add':
      return withPath(step, insertionOver(step.path, change));
    case 'remove':
    case 'replace':
    case 'test':
      return withPath(step, elementOver(step.path, change));
    case 'copy': {
      const from = elementOver(step.from, change);
      return withBoth(step, insertionOver(step.path, change), from);
    }
    case 'move': {
      const from = elementOver(step.from, change);
      const path = isSame(step.from, step.path) ? from : movedOver(step.path, step.from, change);
      return withBoth(step, path, from);
    }
  }
}

/** Adds to `beyond` what the change is after the step: nothing if the step has undone it. They go together. */
export function changeBeyond(change: Change, step: Step, beyond: Change[]): void {
  switch (step.op) {
    case 'add':
      beyondInsertion(change, step.path, beyond);
      return;
    case 'remove':
      beyondRemoval(change, step.path, beyond);
      return;
    case 'replace':
      if (!isWithin(placeOf(change), step.path)) beyond.push(change);
      return;
    case 'copy':
      // First: the other may shift the copy.
      if (isWithin(placeOf(change), step.from)) beyond.push(rebased(change, step.from, step.path));
      beyondInsertion(change, step.path, beyond);
      return;
    case 'move':
      if (isSame(step.from, step.path)) beyond.push(change);
      else if (isWithin(placeOf(change), step.from)) beyond.push(rebased(change, step.from, step.path));
      else for (const left of withoutRemoved(change, step.from)) beyondInsertion(left, step.path, beyond);
      return;
    case 'test':
      beyond.push(change);
  }
}

function withPath(step: StepInPlace, path: Path): Step {
  return path === step.path ? step : { op: step.op, path };
}

function withBoth(step: StepFrom, path: Path, from: Path): Step {
  return path === step.path && from === step.from ? step : { op: step.op, path, from };
}

/** Where something is moved to, in the state without it. */
function movedOver(path: Path, from: Path, change: Change): Path {
  // What is changed inside of it doesn't shift its new place.
  const [left] = isWithin(placeOf(change), from) ? [] : withoutRemoved(change, from);
  return left ? insertionOver(path, left) : path;
}

function withoutRemoved(change: Change, from: Path): Change[] {
  const left: Change[] = [];
  beyondRemoval(change, from, left);
  return left;
}

/** The path to a value that exists. */
function elementOver(path: Path, change: Change): Path {
  return over(path, change, elementAfter);
}

/** The path to where a value is inserted, which is a place between two elements if it is in an array. */
function insertionOver(path: Path, change: Change): Path {
  const isInto = change.type === 'splice' && change.path.length === path.length - 1;
  return over(path, change, isInto ? insertionAfter : elementAfter);
}

function over(path: Path, change: Change, after: (index: number, splice: Splice) => number | null): Path {
  const place = placeOf(change);
  const part = path[place.length];
  if (part === undefined || !leadsThrough(path, place)) return path;
  if (change.type === 'assignment') {
    if (path.findLastIndex(isIndex) >= place.length) throw gone(path, place.length);
    return path;
  }
  if (typeof part === 'string') return path;
  const index = after(part, change);
  if (index === null) throw gone(path, place.length);
  return index === part ? path : path.with(place.length, index);
}

function elementAfter(at: number, { index, removed, inserted }: Splice): number | null {
  if (at < index) return at;
  return at < index + removed ? null : at + inserted - removed;
}

function insertionAfter(at: number, { index, removed, inserted }: Splice): number {
  if (at < index || (at === index && removed > 0)) return at;
  return at < index + removed ? index + inserted : at + inserted - removed;
}

function beyondInsertion(change: Change, path: Path, beyond: Change[]): void {
  const depth = path.length - 1;
  const last = path[depth];
  const place = placeOf(change);
  const next = place[depth];
  if (last === undefined) return; // the root is another
  if (!isWithin(place, path, depth)) beyond.push(change);
  else if (next === undefined) {
    if (change.type === 'splice' && typeof last === 'number') beyondElement(change, last, beyond);
    else beyond.push(change);
  } else if (typeof next === 'number')
    beyond.push(typeof last === 'number' && next >= last ? shifted(change, depth, 1) : change);
  else if (next !== String(last)) beyond.push(change);
}

/** `insertionAfter` seen from the other side: what the step has inserted isn't removed by the splice. */
function beyondElement(splice: Splice, at: number, beyond: Change[]): void {
  const { index, removed, inserted } = splice;
  if (at < index || (at === index && removed > 0)) beyond.push({ ...splice, index: index + 1 });
  else if (at >= index + removed) beyond.push(splice);
  else {
    beyond.push({ ...splice, removed: at - index });
    beyond.push({ ...splice, index: index + inserted + 1, removed: index + removed - at, inserted: 0 });
  }
}

function beyondRemoval(change: Change, path: Path, beyond: Change[]): void {
  const depth = path.length - 1;
  const last = path[depth];
  const place = placeOf(change);
  const next = place[depth];
  if (last === undefined || !isWithin(place, path, depth)) beyond.push(change);
  else if (next === undefined) {
    // What is removed is before the splice or behind it: the step is refused if the splice has removed it.
    const isBefore = change.type === 'splice' && typeof last === 'number' && last < change.index;
    beyond.push(isBefore ? { ...change, index: change.index - 1 } : change);
  } else if (isSamePart(next, last)) return;
  else {
    const isBefore = typeof next === 'number' && typeof last === 'number' && last < next;
    beyond.push(isBefore ? shifted(change, depth, -1) : change);
  }
}

/** An index that no pointer has: some element of the array, nobody knows which. */
const someElement = -1;

/**
 * A change inside of `from`, as it is where that went. A part that looks like an index is taken for one.
 * What was appended may be anywhere: a later step that goes on through an array inside of it is refused.
 */
function rebased(change: Change, from: Path, path: Path): Change {
  if (path.at(-1) === '-') return { type: 'assignment', target: path.with(-1, someElement) };
  const place = [...path, ...placeOf(change).slice(from.length)];
  return change.type === 'splice' ? { ...change, path: place } : { ...change, target: place };
}

function shifted(change: Change, depth: number, by: 1 | -1): Change {
  const place = placeOf(change);
  const moved = place.with(depth, Number(place[depth]) + by);
  return change.type === 'splice' ? { ...change, path: moved } : { ...change, target: moved };
}

/** What is another since the change: the array that was spliced, or the value that was assigned. */
function placeOf(change: Change): Path {
  return change.type === 'splice' ? change.path : change.target;
}

// These two are most of the work of a long patch, hence the loops.

/** Whether `path` begins with `place`. */
function leadsThrough(path: Path, place: Path): boolean {
  for (let depth = 0; depth < place.length; depth++) {
    const part = place[depth];
    const own = path[depth];
    if (!isSamePart(part, own) && !(part === someElement && (isIndex(own) || own === '-'))) return false;
  }
  return true;
}

/** Whether `place` begins with the first `length` parts of `path`. */
function isWithin(place: Path, path: Path, length = path.length): boolean {
  if (length > place.length) return false;
  for (let depth = 0; depth < length; depth++) if (!isSamePart(place[depth], path[depth])) return false;
  return true;
}

function isSame(left: Path, right: Path): boolean {
  return left.length === right.length && left.every((part, depth) => part === right[depth]);
}

/** @param own part of a step's path: a number is the name of a member where the change has one. */
function isSamePart(part: string | number | undefined, own: string | number | undefined): boolean {
  return part === own || (typeof part === 'string' && typeof own === 'number' && part === String(own));
}

function isIndex(own: string | number | undefined): own is number {
  return typeof own === 'number';
}

/** @param depth of the first part of the path that may lead to another element now. */
function gone(path: Path, depth: number): RejoinError {
  const isSample = path[0] === 'samples' && depth <= 1;
  return new RejoinError(
    'conflict',
    `the ${isSample ? 'sample' : 'element'} it was meant for is gone since the state that the patch was made against`,
  );
}
