// What a Yjs client is told without having asked, at its pace (YJS-11). Nothing waits for one that is behind: what it
// misses is remembered in little space, and made good once it has read what it was sent.

import type { Project } from '../core/project.ts';
import { noUpdate, writeAwareness, writeUpdate } from '../wire/yjs.ts';
import type { Answers } from './answers.ts';
import { difference } from './difference.ts';
import { Missed } from './missed.ts';
import type { Outgoing } from './outgoing.ts';
import type { Presence } from './presence.ts';
import type { ToldUpdate } from './told-update.ts';

export interface YjsReaderContext {
  readonly project: Project;
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

  constructor(private readonly context: YjsReaderContext) {}

  /**
   * An update that became durable, or the acknowledgement of one that was. It goes as it is, however large, while little
   * waits: all who are told it share its bytes, and to make pieces of it would cost each reader's share of work anew.
   */
  tellUpdate(update: ToldUpdate): void {
    if (this.mayTell()) this.context.outgoing.send(update.frame);
    else this.missed.add(update);
  }

  tellAwareness(frame: Uint8Array): void {
    if (this.mayTell()) this.context.outgoing.send(frame);
    else this.missed.presence = true;
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
    if (this.missed.isMuch) await this.sendDifference();
    if (this.missed.isMuch) return; // as much has come meanwhile
    for (const { frame } of this.missed.takeUpdates()) outgoing.send(frame);
    this.isBehind = this.missed.presence;
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

  private async sendDifference(): Promise<void> {
    const { outgoing, project } = this.context;
    let isAcknowledged = false;
    for await (const update of difference(project, (doc) => this.missed.takeKnown(doc))) {
      if (!outgoing.isOpen) return;
      outgoing.send(writeUpdate(update));
      isAcknowledged = true;
      await outgoing.drained();
    }
    if (!isAcknowledged) outgoing.send(writeUpdate(noUpdate)); // only acknowledgements were missed (YJS-7)
  }
}
