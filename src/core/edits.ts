// An edit is the smallest change of a JSON document that keeps its exact meaning: one member of an object set or
// removed, one splice of an array. Patches are planned into edits, documents are changed by edits, and differences
// between two states are found as edits.

import type { Json } from '../model/json.ts';

/** The way from the root to a container: object keys and array indices. */
export type Path = readonly (string | number)[];

export type Edit =
  /** Set member `key` of the object at `path`. */
  | { readonly type: 'set'; readonly path: Path; readonly key: string; readonly value: Json }
  /** Remove member `key`, which exists, of the object at `path`. */
  | { readonly type: 'unset'; readonly path: Path; readonly key: string }
  /** Remove `remove` elements of the array at `path` from `index` on, then insert `insert` there. */
  | {
      readonly type: 'splice';
      readonly path: Path;
      readonly index: number;
      readonly remove: number;
      readonly insert: readonly Json[];
    };
