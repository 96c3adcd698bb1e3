// A page of the catalogue: which projects there are, without opening any. Projects reads it for the REST interface.

import { readCatalogue, type CatalogueEntry } from '../store/project-info.ts';
import type { Store } from '../store/store.ts';

export interface CatalogueQuery {
  /** The id behind which the page begins; null for the first page. */
  readonly after: string | null;
  /** How many projects at most. */
  readonly limit: number;
  /** Deleted ones too. */
  readonly deleted: boolean;
}

export interface CataloguePage {
  readonly entries: readonly CatalogueEntry[];
  /** What `after` is for the next page; null if there is none. */
  readonly next: string | null;
}

/** In the order of the ids' UTF-8. */
export async function readCataloguePage(
  store: Store,
  { after, limit, deleted }: CatalogueQuery,
): Promise<CataloguePage> {
  const entries: CatalogueEntry[] = [];
  for (let from = after; ;) {
    const read = await readCatalogue(store, from, limit + 1); // one more, which says that there is a next page
    for (const entry of read) {
      if (!deleted && entry.info?.tombstone) continue;
      if (entries.length === limit) return { entries, next: entries.at(-1)?.project ?? null };
      entries.push(entry);
    }
    if (read.length <= limit) return { entries, next: null };
    from = read.at(-1)?.project ?? null;
  }
}
