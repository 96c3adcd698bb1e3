// What a Yjs client that reads slowly was not told (YJS-11): the updates themselves while they are few; then only where
// each writer's begin, which says in effect which state vector the client was last brought to.

import type * as Y from 'yjs';
import { clocksOf, type Clocks } from '../core/document-pieces.ts';
import { frameOverheadBytes } from './outgoing.ts';
import type { ToldUpdate } from './told-update.ts';

/** As many updates are kept; others who missed them keep the same bytes. */
const keptBytesMax = 256 * 1024;
/** The clocks of so many writers are kept; if there are more, all of the document counts as missed. */
const writersMax = 4_096;

export class Missed {
  /** Whether something about who is here was missed. */
  presence = false;
  private updates: ToldUpdate[] = [];
  private keptBytes = 0;
  /** The least clock missed per clientID. Null while the updates are kept. */
  private clocks: Map<number, number> | null = null;
  private isEverything = false;

  /** Whether the updates are not kept any more: what is missing must be encoded from the document. */
  get isMuch(): boolean {
    return this.clocks !== null;
  }

  add(update: ToldUpdate): void {
    this.updates.push(update);
    this.keptBytes += update.frame.length + frameOverheadBytes;
    if (this.clocks === null && this.keptBytes <= keptBytesMax) return;
    this.clocks ??= new Map();
    for (const { firstClocks } of this.takeUpdates()) this.remember(firstClocks);
  }

  /** The updates that were kept, in their order; they don't count as missed any more. */
  takeUpdates(): readonly ToldUpdate[] {
    const { updates } = this;
    this.updates = [];
    this.keptBytes = 0;
    return updates;
  }

  /** What a client knows that has missed this and nothing else of the document; it doesn't count as missed any more. */
  takeKnown(doc: Y.Doc): Clocks {
    const known = this.isEverything ? new Map<number, number>() : clocksOf(doc);
    for (const [client, clock] of this.clocks ?? []) known.set(client, clock);
    this.clocks = null;
    this.isEverything = false;
    return known;
  }

  private remember(firstClocks: Clocks): void {
    if (this.isEverything || !this.clocks) return;
    for (const [client, clock] of firstClocks)
      this.clocks.set(client, Math.min(clock, this.clocks.get(client) ?? clock));
    if (this.clocks.size <= writersMax) return;
    this.clocks.clear();
    this.isEverything = true;
  }
}
