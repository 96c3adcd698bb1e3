// A reader's way through the log of a project: history after what it knows, then whatever becomes durable, each change
// once and in order. It pulls: a reader that is slow is behind in the log, and costs one page of memory.

import { hasCode } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { Change } from '../store/change.ts';
import type { NeededParts } from '../store/record.ts';
import { HeadWait } from './head-wait.ts';

/** What a feed needs of its project. */
export interface FeedSource {
  /** How far it is durable, and shown. */
  readonly shownPosition: number;
  readonly shownVector: VersionVector;
  /** Waits until the project can be read. @throws RejoinError `deleted`. */
  ready(): Promise<void>;
  /** The durable changes after a position that are still in memory, or null if the next one isn't. */
  recentAfter(position: number): readonly Change[] | null;
  readStored(first: number, last: number, needed: NeededParts): AsyncIterable<readonly Change[]>;
  positionOf(since: VersionVector): Promise<number>;
  /** Calls back at the next moment when the project has more, or has ended. Returns how to take that back. */
  onMoved(wake: () => void): () => void;
}

/** So often in a row a read is begun again that the store has interrupted. */
const interruptionsMax = 3;

export class Feed {
  private stored: AsyncIterator<readonly Change[]> | null = null;
  private interruptions = 0;
  private closed = false;
  private readonly head = new HeadWait();

  private constructor(
    private readonly source: FeedSource,
    private readonly since: VersionVector,
    private position: number,
    private readonly historyEnd: number,
    private readonly needed: NeededParts,
  ) {}

  /** @param since the highest seqno known per server id, exclusive; beyond a head it means all up to the head (WS-4). */
  static async open(source: FeedSource, since: VersionVector): Promise<Feed> {
    await source.ready();
    const historyEnd = source.shownPosition; // of the same moment as the position
    return new Feed(source, since, await source.positionOf(since), historyEnd, 'all');
  }

  /** Everything behind a position. @param needed what of it is read from the store. */
  static behind(source: FeedSource, position: number, needed: NeededParts = 'all'): Feed {
    return new Feed(source, new Map(), position, position, needed);
  }

  /** Whether everything durable has been read. */
  get atHead(): boolean {
    return this.position >= this.source.shownPosition;
  }

  /** How far has been read. */
  get readTo(): number {
    return this.position;
  }

  /** What is up to this position has been read in another way. */
  moveTo(position: number): void {
    this.leaveStored();
    this.position = Math.max(this.position, position);
  }

  /** The version vector of what has been read, while `atHead`. */
  get vector(): VersionVector {
    return this.source.shownVector;
  }

  /**
   * The next changes, once there are any; null after `close`.
   * @throws RejoinError `damaged`, or `deleted` when the project is.
   */
  async next(): Promise<readonly Change[] | null> {
    for (;;) {
      await this.source.ready();
      if (this.isClosed()) return null;
      const page = this.atHead ? await this.waitForMore() : await this.readOn();
      const last = page.at(-1);
      if (!last) continue;
      this.position = last.position;
      const wanted = page.filter((change) => !this.isKnown(change));
      // Nothing in it for the reader: say so by an empty page at the head, so that it can notice that it is there.
      if (wanted.length > 0 || this.atHead) return wanted;
    }
  }

  close(): void {
    this.closed = true;
    this.head.end();
    this.leaveStored();
  }

  /** For a reader that takes no page for a while: lets go of the store, which is found again when it does. */
  rest(): void {
    this.leaveStored();
  }

  private isClosed(): boolean {
    return this.closed;
  }

  private isKnown({ position, serverId, seqno }: Change): boolean {
    return position <= this.historyEnd && seqno <= (this.since.get(serverId) ?? 0);
  }

  private async waitForMore(): Promise<readonly Change[]> {
    await this.head.moved(this.source);
    return [];
  }

  private async readOn(): Promise<readonly Change[]> {
    const recent = this.source.recentAfter(this.position);
    if (recent) {
      this.leaveStored();
      return recent;
    }
    this.stored ??= this.source
      .readStored(this.position + 1, this.source.shownPosition, this.needed)
      [Symbol.asyncIterator]();
    try {
      const page = await this.stored.next();
      this.interruptions = 0;
      if (page.done !== true) return page.value;
      this.stored = null;
    } catch (error) {
      this.stored = null;
      // The store is being opened again under us: what is durable stays where it is, so go on from there.
      const isInterrupted = hasCode(error, 'unavailable');
      if (!isInterrupted || ++this.interruptions > interruptionsMax) throw error;
    }
    return [];
  }

  private leaveStored(): void {
    this.stored?.return?.().catch(() => undefined); // nobody reads on, so nobody misses anything
    this.stored = null;
  }
}
