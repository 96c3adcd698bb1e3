// Joins the edits of long patches that append, replace or remove one element after the other. planPatch calls it: executed one by
// one, 200,000 of them would take Yjs minutes and gigabytes.

import type { Edit, Path } from './edits.ts';

type Splice = Extract<Edit, { type: 'splice' }>;

/**
 * Edits of the same effect. Insertions behind each other become one, and so do insertions each before the last, removals beside
 * each other, and elements in a row that were replaced in their places. Nothing else is joined: UDT-11 goes by how many came and went.
 */
export function joinSplices(edits: readonly Edit[]): Edit[] {
  const joined: Edit[] = [];
  for (let next = 0; next < edits.length;) {
    const edit = edits[next];
    if (!edit) break;
    const end = edit.type === 'splice' ? endOfRun(edits, next, edit) : next + 1;
    joined.push(edit.type === 'splice' && end > next + 1 ? asOne(edits.slice(next, end), edit) : edit);
    next = end;
  }
  return joined;
}

/** The index behind the last edit that can be joined with the one at `start`. */
function endOfRun(edits: readonly Edit[], start: number, first: Splice): number {
  const joins = joinerOf(first, edits[start + 1]);
  let end = start + 1;
  let last = first;
  for (let edit = edits[end]; edit?.type === 'splice'; edit = edits[end]) {
    if (!isSamePath(edit.path, first.path) || !joins(edit, last)) break;
    last = edit;
    end++;
  }
  return end;
}

/** Whether an edit of the same sort joins on to the last one. */
type Joiner = (edit: Splice, last: Splice) => boolean;

function joinerOf({ remove, insert, index }: Splice, next: Edit | undefined): Joiner {
  if (remove === 0 && next?.type === 'splice' && next.index === index)
    return (edit) => edit.remove === 0 && edit.index === index;
  if (remove === 0)
    return (edit, last) => edit.remove === 0 && edit.index === last.index + last.insert.length;
  if (insert.length === 0)
    return (edit, last) =>
      edit.insert.length === 0 && (edit.index === last.index || edit.index + edit.remove === last.index);
  if (insert.length !== remove) return () => false;
  return (edit, last) => edit.remove === edit.insert.length && edit.index === last.index + last.remove;
}

function asOne(run: readonly Edit[], first: Splice): Splice {
  let { index, remove } = { index: first.index, remove: 0 };
  const insert = [];
  const [, second] = run;
  const isBackwards = first.remove === 0 && second?.type === 'splice' && second.index === first.index;
  for (const edit of isBackwards ? run.toReversed() : run) {
    if (edit.type !== 'splice') continue;
    index = Math.min(index, edit.index);
    remove += edit.remove;
    for (const value of edit.insert) insert.push(value);
  }
  return { ...first, index, remove, insert };
}

function isSamePath(left: Path, right: Path): boolean {
  return left === right || (left.length === right.length && left.every((part, i) => part === right[i]));
}
