// What a Yjs client is told without having asked, at its pace (YJS-11). Nothing waits for one that is behind: what it
// misses is remembered in little space, and made good once it has read what it was sent.

import type { Feed } from '../core/feed.ts';
import { RejoinError } from '../errors.ts';
import { noUpdate, writeAwareness, writeDurable, writeUpdate } from '../wire/yjs.ts';
import type { Answers } from './answers.ts';
import { Missed, type UpdateFrame } from './missed.ts';
import type { Outgoing } from './outgoing.ts';
import type { Presence } from './presence.ts';

export interface YjsReaderContext {
  /** The log of the project, from behind a position. */
  readonly follow: (position: number) => Feed;
  readonly presence: Pick<Presence<object>, 'known' | 'print'>;
  readonly outgoing: Outgoing;
  /** What is missed is made good in turn with the answers to the client. */
  readonly answers: Answers;
  /** What was missed can't be had: the connection must be closed. */
  readonly onFailed: (error: unknown) => void;
}

export class YjsReader {
  private readonly missed = new Missed();
  private isBehind = false;

  /** @param position in the log up to which the client has been told everything, or asks for it by itself. */
  constructor(
    private readonly context: YjsReaderContext,
    private position: number,
  ) {}

  /**
   * An update that became durable, or the acknowledgement of one that was. It goes as it is, however large, while little
   * waits: all who are told it share its bytes.
   */
  tellUpdate(frame: UpdateFrame): void {
    if (this.mayTell()) this.send(frame);
    else this.missed.add(frame);
  }

  tellAwareness(frame: Uint8Array): void {
    if (this.mayTell()) this.context.outgoing.send(frame);
    else this.missed.presence = true;
  }

  /** YJS-7: how many of the client's messages are durable. */
  tellDurable(count: number): void {
    if (this.mayTell()) this.context.outgoing.send(writeDurable(count));
    else this.missed.durableCount = count;
  }

  /** YJS-3: one that is behind has enough to read. */
  keepAlive(frame: Uint8Array): void {
    const { outgoing } = this.context;
    if (!this.isBehind && !outgoing.isFull) outgoing.send(frame);
  }

  private mayTell(): boolean {
    if (!this.isBehind && this.context.outgoing.isFull) {
      this.isBehind = true;
      this.catchUp().catch(this.context.onFailed);
    }
    return !this.isBehind;
  }

  private async catchUp(): Promise<void> {
    const { answers, outgoing } = this.context;
    while (this.isBehind && outgoing.isOpen) await answers.inTurn(() => this.sendMissed());
  }

  private async sendMissed(): Promise<void> {
    const { outgoing } = this.context;
    await outgoing.drained();
    if (!outgoing.isOpen) return;
    if (this.missed.presence) await this.sendPresence();
    if (this.missed.isMuch) await this.sendFromLog();
    for (const frame of this.missed.takeFrames()) this.send(frame);
    this.sendDurable();
    this.isBehind = this.missed.presence || this.missed.isMuch;
  }

  private sendDurable(): void {
    const { durableCount } = this.missed;
    this.missed.durableCount = null;
    if (durableCount !== null) this.context.outgoing.send(writeDurable(durableCount));
  }

  /** Also of those who have gone: it may not have been told. */
  private async sendPresence(): Promise<void> {
    const { outgoing, presence } = this.context;
    this.missed.presence = false;
    for (const update of presence.print(presence.known)) {
      if (!outgoing.isOpen) return;
      outgoing.send(writeAwareness(update));
      await outgoing.drained();
    }
  }

  /**
   * The updates as they were made, one after the other: Yjs tidies what it finds odd in a document, and in a state that
   * never was it might find what somebody needs.
   */
  private async sendFromLog(): Promise<void> {
    const { outgoing, follow } = this.context;
    const feed = follow(this.position);
    try {
      while (!feed.atHead) {
        const changes = await feed.next();
        if (!changes) return;
        for (const { groupIndex, update, position } of changes) {
          if (groupIndex === 0) this.send({ frame: writeUpdate(wholeUpdate(update)), position });
          if (outgoing.isFull) await outgoing.drained();
          if (!outgoing.isOpen) return;
        }
      }
    } finally {
      feed.close();
    }
    // At the head, and nothing was waited for since: all that was missed has been sent.
    this.missed.isMuch = false;
    this.missed.takeFrames();
    this.send({ frame: writeUpdate(noUpdate), position: null }); // for the acknowledgements among it (YJS-7)
  }

  private send({ frame, position }: UpdateFrame): void {
    this.context.outgoing.send(frame);
    this.position = position ?? this.position;
  }
}

/** @throws RejoinError `unavailable`: the client comes back and is sent the document. */
function wholeUpdate(update: Uint8Array | null): Uint8Array {
  if (update) return update;
  throw new RejoinError(
    'unavailable',
    'What the client missed was compacted meanwhile: come back for all of it',
  );
}
