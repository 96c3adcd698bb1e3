// `changeLog` of a poll: who made each version, told by its first operation (UDT-1).

import { escapeKey } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';

export type ChangeLogElement = {
  readonly userName: string;
  readonly op: Operation['op'];
  readonly path: string;
};

export interface LoggedVersion {
  readonly user: string;
  readonly patch: readonly Operation[];
  /** The same changes, exactly. None for a rebuild, which nobody has made. */
  readonly edits: readonly {
    readonly type: 'set' | 'unset' | 'splice';
    readonly path: readonly (string | number)[];
    readonly key?: string;
  }[];
}

/** One element per version, but for empty ones, rebuilds, and those whose element would crash the v1 client. */
export function changeLogOf(versions: readonly LoggedVersion[]): ChangeLogElement[] {
  return versions.flatMap((version) => {
    const first = firstOperationOf(version);
    if (!first || crashesClient(first.path)) return [];
    return [{ userName: version.user, op: first.op, path: first.path }];
  });
}

/** A patch that replaces the whole document does so for the sake of the client's library (UDT-9): the edits say for what. */
function firstOperationOf({ patch, edits }: LoggedVersion): Pick<Operation, 'op' | 'path'> | undefined {
  const [edit] = edits;
  const [first] = patch;
  if (!edit || first?.path !== '') return edit && first;
  const key = edit.path[0] ?? edit.key ?? '';
  const isRemoved = edit.type === 'unset' && edit.path.length === 0;
  return { op: isRemoved ? 'remove' : 'replace', path: `/${escapeKey(String(key))}` };
}

function crashesClient(path: string): boolean {
  return path.startsWith('/taskOutput') && !path.includes('/samples/');
}
