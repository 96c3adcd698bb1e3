// Which samples of a session are changed while much is added to its document at once: their counts must rise as if each change had
// come alone (UDT-16), so that v2 clients read them again.

import * as Y from 'yjs';
import type { Clocks } from './document-pieces.ts';
import { samplesKey, udtRoot } from './roots.ts';
import { derivedId, type ItemId } from './sample-ids.ts';
import type { SampleChanges } from './udt-samples.ts';

export class TouchedSamples {
  private readonly items = new Map<string, ItemId>();
  private readonly follow = (transaction: Y.Transaction): void => this.note(transaction);

  /** @param before what the document has now: only what is among it counts. */
  constructor(
    private readonly doc: Y.Doc,
    private readonly before: Clocks,
  ) {
    doc.on('afterTransaction', this.follow);
  }

  end(): void {
    this.doc.off('afterTransaction', this.follow);
  }

  /** The counts of those that were touched. @param stored the counts of all. */
  counted(stored: readonly SampleChanges[]): SampleChanges[] {
    const counts = new Map(stored.map(({ item, count }) => [derivedId(item), count]));
    return [...this.items].map(([id, item]) => ({ item, count: (counts.get(id) ?? 0) + 1 }));
  }

  private note({ changed }: Y.Transaction): void {
    const samples = this.doc.getMap(udtRoot).get(samplesKey);
    for (const type of changed.keys()) {
      const item = itemIn(samples, type);
      if (item && item.clock < (this.before.get(item.client) ?? 0)) this.items.set(derivedId(item), item);
    }
  }
}

/** The item of the element of an array that a type is, or lies in. */
function itemIn(array: unknown, type: unknown): ItemId | null {
  for (let inner = type; inner instanceof Y.AbstractType;) {
    const { _item: item } = inner as Y.AbstractType<unknown>;
    if (!item) return null;
    if (item.parent === array) return item.id;
    inner = item.parent;
  }
  return null;
}
