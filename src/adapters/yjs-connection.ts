// One Yjs client of a room: answers its messages, in order, and says why when it closes the connection.

import * as Y from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import type { Feed } from '../core/feed.ts';
import type { Project } from '../core/project.ts';
import type { Environment } from '../model/environment.ts';
import {
  noUpdate,
  readFrame,
  writeAwareness,
  writeStep1,
  writeUpdate,
  type YjsMessage,
} from '../wire/yjs.ts';
import { Answers } from './answers.ts';
import { DurableCount } from './durable-count.ts';
import type { AdapterLog } from './log.ts';
import { MissingAsked } from './missing-asked.ts';
import type { Outgoing } from './outgoing.ts';
import type { Presence } from './presence.ts';
import { closeWith, type Intake } from './sockets.ts';
import type { Step2 } from './step-2.ts';
import { closeCodeOf } from './yjs-close-codes.ts';
import { YjsReader } from './yjs-reader.ts';
import { userOf } from './yjs-user.ts';

export interface YjsConnectionContext {
  readonly project: Project;
  readonly presence: Presence<YjsConnection>;
  readonly step2: Step2;
  /** Whether the client is told how many of its messages are durable (YJS-7). */
  readonly counts: boolean;
  readonly environment: Environment;
  readonly log: AdapterLog;
}

export class YjsConnection {
  /** What the client is told without asking. */
  readonly reader: YjsReader;
  private readonly asked: MissingAsked;
  private readonly answers: Answers;
  private owesWhoIsHere = false;
  /** YJS-7: for a client that asked to be told. */
  private readonly count: DurableCount | null;
  private owesCount = false;
  /** What the client's last message that lacks its base lacks. */
  private lackedRanges = '';

  constructor(
    private readonly outgoing: Outgoing,
    intake: Intake,
    private readonly context: YjsConnectionContext,
  ) {
    this.asked = new MissingAsked(context.environment);
    this.count = context.counts ? new DurableCount() : null;
    this.answers = new Answers(outgoing);
    const { project, presence } = context;
    const onFailed = (error: unknown): void => this.closeFor(error);
    const follow = (position: number): Feed => project.followFrom(position);
    const { answers } = this;
    this.reader = new YjsReader(
      { follow, presence, outgoing, answers, onFailed },
      project.durablePosition, // it asks for what came before
    );
    outgoing.socket.on('message', (data: Buffer, isBinary) => {
      void intake.run(data.length, () => this.handle(data, isBinary));
    });
  }

  /** YJS-2: step 1, and who is here. */
  greet(stateVector: Uint8Array): void {
    this.outgoing.send(writeStep1(stateVector));
    this.sayWhoIsHere().catch((error: unknown) => this.closeFor(error));
  }

  /** Closes with the code that the error stands for. */
  closeFor(error: unknown): void {
    if (!this.outgoing.isOpen) return;
    if (error instanceof RejoinError) this.context.log.refused('yjs', error);
    else this.context.log.defect('yjs', error);
    closeWith(this.outgoing.socket, closeCodeOf(error), messageOf(error));
  }

  private async handle(frame: Uint8Array, isBinary: boolean): Promise<void> {
    if (!this.outgoing.isOpen) return;
    try {
      if (!isBinary) throw new RejoinError('undecodable', 'messages are binary frames');
      // Each is started at once, so that they take effect in their order; the answers come when they are durable.
      await Promise.all(readFrame(frame).map((message) => this.answer(message)));
      // Somebody else may have brought what this client's messages lack. Nobody would ask for those again, and they would
      // never be counted as durable.
      if (this.count?.isLacking) await this.askForRest();
    } catch (error) {
      this.closeFor(error);
    }
  }

  private async answer(message: YjsMessage): Promise<void> {
    switch (message.type) {
      case 'step-1':
        await this.answers.inTurn(() => this.sendLackOf(message.stateVector));
        return;
      case 'step-2':
      case 'update':
        await this.take(message);
        return;
      case 'awareness': {
        const reply = this.context.presence.hear(message.update, this);
        if (reply) this.reader.tellAwareness(writeAwareness(reply));
        return;
      }
      case 'query-awareness':
        if (this.owesWhoIsHere) return; // one answer will do
        this.owesWhoIsHere = true;
        await this.answers.inTurn(() => {
          this.owesWhoIsHere = false;
          return this.sayWhoIsHere();
        });
    }
  }

  private async sendLackOf(stateVector: Uint8Array): Promise<void> {
    const { project, step2 } = this.context;
    const frame = await project.encode((doc) =>
      this.outgoing.isOpen ? step2.frame(doc, stateVector) : null,
    );
    if (frame) this.outgoing.send(frame);
  }

  private async take({ type, update }: { type: 'step-2' | 'update'; update: Uint8Array }): Promise<void> {
    const { project, presence } = this.context;
    const number = this.count?.receive() ?? 0;
    const user = userOf(update, this, presence);
    const outcome = await project.applyUpdate(update, { protocol: 'yjs', user });
    if (outcome.type === 'missing') {
      this.count?.refuse(number);
      this.lackedRanges = outcome.ranges;
      await this.askForRest();
      return;
    }
    await outcome.durable;
    // What was new went to everybody, its sender included; the rest is acknowledged to its sender alone (YJS-6). A step 2
    // names every deletion there ever was: there is no need to send those back.
    if (!outcome.isNew) {
      this.reader.tellUpdate({ frame: writeUpdate(type === 'update' ? update : noUpdate), position: null });
    }
    this.count?.settle(number, type);
    this.tellCount();
  }

  /** YJS-7. All that one write made durable is told at once. */
  private tellCount(): void {
    const { count } = this;
    if (!count || this.owesCount) return;
    this.owesCount = true;
    setImmediate(() => {
      this.owesCount = false;
      const durable = count.news();
      if (durable !== null) this.reader.tellDurable(durable);
    });
  }

  /** YJS-8: unless that was asked a short time ago. */
  private async askForRest(): Promise<void> {
    if (!this.asked.mayAskFor(this.lackedRanges)) return;
    await this.answers.inTurn(async () => {
      this.outgoing.send(writeStep1(await this.context.project.encode((doc) => Y.encodeStateVector(doc))));
    });
  }

  private async sayWhoIsHere(): Promise<void> {
    const { presence } = this.context;
    for (const update of presence.print(presence.here)) {
      this.outgoing.send(writeAwareness(update));
      if (this.outgoing.isFull) await this.outgoing.drained();
      if (!this.outgoing.isOpen) return;
    }
  }
}
