// A reader's way through what it has selected of a project: objects by kind, report, topic or user, and patches of `udt`, each
// behind its own version vector; history first, then live, in the order of the log (WS-3, WS-5, WS-7, WS-23). It reads as a
// Feed does, but history of few among many by the index.

import { hasCode, messageOf } from '../errors.ts';
import { isJsonObject, type Json } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { isMatched, matchesOf } from '../model/matches.ts';
import { isObjectKind, type ObjectKind } from '../model/objects.ts';
import type { Match, Selection, StreamSelection } from '../model/selection.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { Change } from '../store/change.ts';
import { isUdtChange } from '../store/udt-changes.ts';
import { Feed } from './feed.ts';
import { IndexedHistory, type Wanted } from './indexed-history.ts';
import type { ProjectState } from './project-state.ts';
import { UdtPatches } from './udt-patches.ts';

/** What is streamed of one change. */
export type Selected =
  | {
      readonly type: 'object';
      readonly kind: ObjectKind;
      readonly serverId: number;
      readonly seqno: number;
      readonly position: number;
      /** JSON text, UTF-8. Of a live change it is the same array for all readers. */
      readonly object: Uint8Array;
    }
  | {
      readonly type: 'patch';
      readonly serverId: number;
      readonly seqno: number;
      readonly position: number;
      /** From the state of the `patch` before, or from `{}`, to that of this change. */
      readonly patch: readonly Operation[];
      readonly userName: string;
      /** Milliseconds since 1970. */
      readonly timeMs: number;
    };

/** Less than that is read through. */
const nearMax = 64;
/** So often in a row a read is begun again that the store has interrupted. */
const interruptionsMax = 3;

interface Part extends Selection {
  /** The position of its `since`. */
  readonly after: number;
}

export class SelectedFeed {
  private indexed: IndexedHistory | null = null;
  /** Up to here all that is wanted can be found in the index. */
  private indexEnd: number;
  private isIndexAsked = false;
  /** Read, and not yet given to the reader. */
  private pending: readonly Change[] = [];
  private interruptions = 0;
  private closed = false;

  private constructor(
    private readonly state: ProjectState,
    private readonly feed: Feed,
    private readonly parts: readonly Part[],
    private readonly patches: UdtPatches | null,
    private readonly historyEnd: number,
    /** Has the project indexed in the background. */
    private readonly index: () => Promise<void>,
  ) {
    this.indexEnd = Math.min(...parts.map(({ match, after }) => (match ? Infinity : after)));
  }

  /** @throws RejoinError `deleted`, `damaged`, `unavailable`. */
  static async open(
    state: ProjectState,
    { objects, udt }: StreamSelection,
    index: () => Promise<void>,
  ): Promise<SelectedFeed> {
    const { log } = state;
    await log.ready();
    // What is known of a reader that was cut off must not change while the project is being indexed.
    if (udt && log.shownPosition > 0 && (await log.indexedFrom()) !== 1) await index();
    const historyEnd = log.shownPosition; // of the same moment as the positions
    const positions = new Map<VersionVector, Promise<number>>();
    const positionOf = (since: VersionVector): Promise<number> => {
      const position = positions.get(since) ?? log.positionOf(since);
      positions.set(since, position);
      return position;
    };
    const udtAfter = udt && positionOf(udt);
    const parts = await Promise.all(
      objects.map(async (selection) => ({ ...selection, after: await positionOf(selection.since) })),
    );
    const patches = udt && (await UdtPatches.open(state, udt, (await udtAfter) ?? 0, historyEnd));
    const starts = [...parts, ...(patches ? [patches] : [])].map(({ after }) => after);
    const feed = Feed.behind(log, Math.min(historyEnd, ...starts), 'object');
    return new SelectedFeed(state, feed, parts, patches, historyEnd, index);
  }

  /** Whether everything durable has been read. */
  get atHead(): boolean {
    return this.pending.length === 0 && this.feed.atHead;
  }

  /** The version vector of what has been read, while `atHead`. */
  get vector(): VersionVector {
    return this.feed.vector;
  }

  /**
   * What comes next, once there is any; null after `close`. Empty if there was nothing for the reader up to the head, so that it
   * can notice that it is there.
   * @throws RejoinError `damaged`, or `deleted` when the project is.
   */
  async next(): Promise<readonly Selected[] | null> {
    for (;;) {
      await this.state.log.ready();
      if (this.isClosed()) return null;
      try {
        if (this.pending.length === 0) {
          const changes = await this.more();
          if (!changes) return null;
          this.pending = changes;
        }
        const page = await this.select();
        this.interruptions = 0;
        if (page.length > 0 || this.atHead) return page;
      } catch (error) {
        this.beginAgain(error);
      }
    }
  }

  close(): void {
    this.closed = true;
    this.feed.close();
  }

  /** For a reader that takes no page for a while: lets go of the store, which is found again when it does. */
  rest(): void {
    this.feed.rest();
    this.indexed = null;
  }

  private isClosed(): boolean {
    return this.closed;
  }

  /** Goes on where it was if it can. */
  private beginAgain(error: unknown): void {
    this.indexed = null;
    const isInterrupted = hasCode(error, 'unavailable');
    if (!isInterrupted || ++this.interruptions > interruptionsMax) throw error;
  }

  /** The next changes among which there may be some for the reader. */
  private async more(): Promise<readonly Change[] | null> {
    this.indexed ??= await this.findInIndex();
    if (!this.indexed) return this.feed.next();
    try {
      const { changes, readTo } = await this.indexed.next();
      this.feed.moveTo(readTo);
      if (changes.length === 0) this.indexed = null;
      return changes;
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      // All is read through from here on, and a hole in the log is met where it lies.
      this.state.observe('damage', `the index was given up: ${messageOf(error)}`);
      this.indexed = null;
      this.indexEnd = 0;
      return [];
    }
  }

  /** Null where the log is read through: what comes next is near or in memory, or isn't indexed. */
  private async findInIndex(): Promise<IndexedHistory | null> {
    const { log, context } = this.state;
    const { readTo } = this.feed;
    const last = Math.min(log.shownPosition, this.indexEnd);
    if (last - readTo <= nearMax || log.recentAfter(readTo)) return null;
    const from = (await log.indexedFrom()) ?? Infinity;
    if (from > 1 && !this.isIndexAsked) {
      this.isIndexAsked = true;
      void this.index();
    }
    if (readTo + 1 < from) return null;
    const wanted: Wanted[] = this.parts.flatMap(({ kind, match, after }) =>
      match ? [{ type: 'object', kind, match, after }] : [],
    );
    if (this.patches) wanted.push({ type: 'udt', after: this.patches.after });
    this.feed.rest();
    return new IndexedHistory(log, context.store, wanted, readTo, last);
  }

  /** What the reader wants of what was read. What must wait for another look into the store stays pending. */
  private async select(): Promise<readonly Selected[]> {
    const { pending } = this;
    const found = this.patches ? await this.patches.take(pending.filter(isUdtChange)) : null;
    const page: Selected[] = [];
    let count = 0;
    for (const change of pending) {
      const { serverId, seqno, position, timeMs, kind, object } = change;
      if (found && position > found.readTo) break;
      count++;
      if (isObjectKind(kind)) {
        if (object && this.isWanted(change, kind, object))
          page.push({ type: 'object', kind, serverId, seqno, position, object });
        continue;
      }
      const patch = found?.patches.get(position);
      const userName = change.origin.user;
      if (patch) page.push({ type: 'patch', serverId, seqno, position, patch, userName, timeMs });
    }
    this.pending = count === pending.length ? [] : pending.slice(count);
    return page;
  }

  private isWanted(change: Change, kind: ObjectKind, object: Uint8Array): boolean {
    if (change.repeat === 'same') return false; // REP-6: its first record was streamed
    let matches: readonly Match[] | null = null;
    for (const part of this.parts) {
      if (part.kind !== kind || this.isKnown(change, part)) continue;
      if (!part.match) return true;
      matches ??= change.matches ?? readMatches(kind, object);
      if (isMatched(matches, part.match)) return true;
    }
    return false;
  }

  /** WS-4, WS-7. */
  private isKnown({ position, serverId, seqno }: Change, { since }: Part): boolean {
    return position <= this.historyEnd && seqno <= (since.get(serverId) ?? 0);
  }
}

function readMatches(kind: ObjectKind, object: Uint8Array): readonly Match[] {
  const value = JSON.parse(Buffer.from(object.buffer, object.byteOffset, object.length).toString()) as Json;
  return isJsonObject(value) ? matchesOf(kind, value) : [];
}
