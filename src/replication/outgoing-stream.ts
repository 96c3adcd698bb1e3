// What a peer asked for of one project: read from the log from where the peer is, sent in order, then what comes
// (REP-2). outgoing-streams.ts begins these and says which may read history.

import { hasCode, messageOf } from '../errors.ts';
import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { LinkOutput } from './link-output.ts';
import type { LinkTimers } from './link-transport.ts';
import type { ReadGroups, ReplicaReader, Replicas } from './replicas-port.ts';

export interface OutgoingStreamOptions {
  readonly replicas: Replicas;
  readonly output: LinkOutput;
  readonly timers: LinkTimers;
  /** Whether the peer keeps what is cut off. */
  readonly canResume: () => boolean;
  /** Whether other streams wait until this one is done with history. */
  readonly doOthersWait: () => boolean;
  readonly onSent: (stream: OutgoingStream, changes: number) => void;
}

/** Where a stream has come to. */
export type StreamPlace =
  /** All that there was is sent; `follow` goes on with what comes. */
  | { readonly type: 'head' }
  /** There is more, and others wait. */
  | { readonly type: 'turn-over' }
  | { readonly type: 'closed' }
  /** The project was deleted: there is nothing to send of it. */
  | { readonly type: 'deleted' }
  | { readonly type: 'failed'; readonly detail: string };

/** After so many batches of history others come first. */
const batchesInTurn = 64;
/** A reader that finds only what the peer has says nothing when it comes to the head: so often it is asked. */
const headPollMs = 50;

export class OutgoingStream {
  private readonly known: Map<number, number>;
  private reader: ReplicaReader | null = null;
  /** What comes next, once it was asked for. */
  private coming: Promise<ReadGroups | null> | null = null;
  private isClosed = false;
  /** It is sent whole, or from its beginning again (REP-7). */
  private isInSnapshot = false;
  /** Whether something that was read waits to be sent. */
  isSending = false;
  /** Its place among the streams in the order in which they sent something last. */
  lastSent = 0;

  constructor(
    private readonly options: OutgoingStreamOptions,
    readonly project: string,
    /** The number that the peer gave it. */
    readonly stream: number,
    known: VersionVector,
    /** What the peer has beside that of a snapshot that was cut off. */
    private kept: KeptSnapshot | null,
    /** Changes that the peer lacks of what there was when it asked. */
    public aheadChanges: number,
  ) {
    this.known = new Map(known);
  }

  /** What the peer has, or gets. */
  get vector(): VersionVector {
    return this.known;
  }

  /** How many seqnos it remembers. */
  get seqnos(): number {
    return this.known.size + (this.kept?.vector.size ?? 0);
  }

  /** The peer has these: they are not sent. */
  knows(vector: VersionVector): void {
    for (const [serverId, seqno] of vector)
      if (seqno > (this.known.get(serverId) ?? 0)) this.known.set(serverId, seqno);
    this.reader?.knows(vector);
  }

  /** Sends what there is, up to the head or until its turn is over. */
  readHistory(): Promise<StreamPlace> {
    return this.untilTrouble(async () => {
      const reader = await this.opened();
      for (let batches = 0; reader; batches++) {
        if (batches >= batchesInTurn && !this.isInSnapshot && this.options.doOthersWait()) {
          this.putAside();
          return { type: 'turn-over' };
        }
        const groups = await this.nextOrHead(reader);
        if (groups === 'head') return { type: 'head' };
        if (!groups || !(await this.send(groups))) break;
      }
      return { type: 'closed' };
    });
  }

  /** Sends what comes, until it is closed. */
  follow(): Promise<StreamPlace> {
    return this.untilTrouble(async () => {
      const reader = await this.opened();
      while (reader) {
        const groups = await this.comingOf(reader);
        this.coming = null;
        if (!groups || !(await this.send(groups))) break;
      }
      return { type: 'closed' };
    });
  }

  close(): void {
    this.isClosed = true;
    this.putAside();
  }

  private async opened(): Promise<ReplicaReader | null> {
    if (this.isClosed || this.reader) return this.reader;
    this.reader = await this.options.replicas.open(this.project, new Map(this.known), this.kept);
    // Of what happened in the meantime the reader hasn't heard.
    this.knows(this.known);
    if (this.wasClosed()) this.putAside();
    return this.reader;
  }

  private wasClosed(): boolean {
    return this.isClosed;
  }

  private async nextOrHead(reader: ReplicaReader): Promise<ReadGroups | null | 'head'> {
    const coming = this.comingOf(reader);
    for (;;) {
      if (reader.isAtHead) return 'head';
      let cancel = (): void => undefined;
      const polled = new Promise<'poll'>((resolve) => {
        cancel = this.options.timers.after(headPollMs, () => resolve('poll'));
      });
      try {
        const first = await Promise.race([coming, polled]);
        if (first === 'poll') continue;
        this.coming = null;
        return first;
      } finally {
        cancel();
      }
    }
  }

  private comingOf(reader: ReplicaReader): Promise<ReadGroups | null> {
    if (!this.coming) {
      this.coming = reader.next();
      this.coming.catch(() => undefined); // a stream that is closed doesn't ask any more what came
    }
    return this.coming;
  }

  /** @returns whether it was sent: not if the stream was closed before there was room. */
  private async send({ records, isUnfinished, vector, snapshot }: ReadGroups): Promise<boolean> {
    const { project, stream } = this;
    this.isInSnapshot = snapshot?.isLast === false;
    if (snapshot) this.kept = null; // it is used up
    if (records.length > 0 || snapshot) {
      this.isSending = true;
      const isSent = await this.options.output.sendInWindow(() =>
        this.isClosed
          ? null
          : snapshot
            ? { type: this.options.canResume() ? 'part' : 'snapshot', project, stream, ...snapshot, records }
            : { type: 'groups', project, stream, isUnfinished, records },
      );
      this.isSending = false;
      if (!isSent) return false;
      this.aheadChanges = Math.max(0, this.aheadChanges - records.length);
      this.options.onSent(this, records.length);
    }
    for (const [serverId, seqno] of vector)
      if (seqno > (this.known.get(serverId) ?? 0)) this.known.set(serverId, seqno);
    return true;
  }

  /** Lets go of the project. */
  private putAside(): void {
    this.reader?.close();
    this.reader = null;
    this.coming = null;
  }

  private async untilTrouble(work: () => Promise<StreamPlace>): Promise<StreamPlace> {
    try {
      return await work();
    } catch (error) {
      const wasClosed = this.isClosed;
      this.close();
      if (wasClosed) return { type: 'closed' };
      if (hasCode(error, 'deleted')) return { type: 'deleted' };
      return { type: 'failed', detail: messageOf(error) };
    }
  }
}
