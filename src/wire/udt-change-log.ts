// `changeLog` of a poll: who made each version, told by its first operation (UDT-1).

import type { Operation } from '../model/json-patch.ts';

export type ChangeLogElement = {
  readonly userName: string;
  readonly op: Operation['op'];
  readonly path: string;
};

/** One element per version, but for empty ones, rebuilds, and those whose element would crash the v1 client. */
export function changeLogOf(
  versions: readonly { readonly user: string; readonly patch: readonly Operation[] }[],
): ChangeLogElement[] {
  return versions.flatMap(({ user, patch: [first] }) => {
    if (!first || first.path === '' || crashesClient(first.path)) return [];
    return [{ userName: user, op: first.op, path: first.path }];
  });
}

function crashesClient(path: string): boolean {
  return path.startsWith('/taskOutput') && !path.includes('/samples/');
}
