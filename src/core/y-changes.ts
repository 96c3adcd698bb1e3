// Where a transaction changed a document: what the JSON view follows.

import type * as Y from 'yjs';
import type { YType } from './y-value.ts';

export interface Changes {
  /** Types whose own members changed; types that are new or gone are not among them. */
  readonly own: ReadonlySet<YType>;
  /** Types with a change further down: the children to follow. */
  readonly below: ReadonlyMap<YType, ReadonlySet<YType>>;
}

export function changesOf(transaction: Y.Transaction): Changes {
  const below = new Map<YType, Set<YType>>();
  for (const type of transaction.changed.keys()) {
    let child: YType = type;
    for (let parent = child.parent; parent; parent = child.parent) {
      const followed = below.get(parent);
      if (followed) {
        followed.add(child);
        break; // the way up from here is marked already
      }
      below.set(parent, new Set([child]));
      child = parent;
    }
  }
  return { own: new Set(transaction.changed.keys()), below };
}
