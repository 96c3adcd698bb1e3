// One Yjs client of a room: answers its messages, in order, and says why when it closes the connection.

import { setImmediate as otherWork } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import * as Y from 'yjs';
import { RejoinError, messageOf, type ErrorCode } from '../errors.ts';
import type { Project } from '../core/project.ts';
import type { Environment } from '../model/environment.ts';
import { anonymous, type Origin } from '../model/origin.ts';
import {
  readFrame,
  writeAwareness,
  writeStep1,
  writeStep2,
  writeUpdate,
  type YjsMessage,
} from '../wire/yjs.ts';
import type { AdapterLog } from './log.ts';
import { MissingAsked } from './missing-asked.ts';
import type { Presence } from './presence.ts';
import { closeWith, drained, send, type Intake } from './sockets.ts';

/** A client that lets this much wait is cut off; it gets what it missed when it comes back. */
const unsentBytesMax = 64 * 1024 * 1024;
/** With more than this waiting, no further answer is made that may be much larger than its question. */
const unsentBeforeAnswerBytesMax = 512 * 1024;

export interface YjsConnectionContext {
  readonly project: Project;
  readonly presence: Presence<YjsConnection>;
  readonly environment: Environment;
  readonly log: AdapterLog;
}

export class YjsConnection {
  private readonly origin: Origin = { protocol: 'yjs', user: anonymous };
  private readonly asked: MissingAsked;
  /** The last of the answers in work that may be much larger than their question: a few bytes ask for the document. */
  private lastAnswer: Promise<void> | null = null;
  private owesWhoIsHere = false;

  constructor(
    private readonly socket: WebSocket,
    intake: Intake,
    private readonly context: YjsConnectionContext,
  ) {
    this.asked = new MissingAsked(context.environment);
    socket.on('message', (data: Buffer, isBinary) => {
      void intake.run(data.length, () => this.handle(data, isBinary));
    });
  }

  /** YJS-2: step 1, and who is here. */
  greet(stateVector: Uint8Array): void {
    this.send(writeStep1(stateVector));
    this.sayWhoIsHere();
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen()) return;
    if (this.socket.bufferedAmount > unsentBytesMax)
      this.closeFor(
        new RejoinError(
          'too-slow',
          'The client reads too slowly: what it missed is there when it comes back',
        ),
      );
    else send(this.socket, frame);
  }

  /** Closes with the code that the error stands for. */
  closeFor(error: unknown): void {
    if (error instanceof RejoinError) this.context.log.refused('yjs', error);
    else this.context.log.defect('yjs', error);
    closeWith(this.socket, closeCodeOf(error), messageOf(error));
  }

  private async handle(frame: Uint8Array, isBinary: boolean): Promise<void> {
    if (!this.isOpen()) return;
    try {
      if (!isBinary) throw new RejoinError('undecodable', 'messages are binary frames');
      // Each is started at once, so that they take effect in their order; the answers come when they are durable.
      await Promise.all(readFrame(frame).map((message) => this.answer(message)));
    } catch (error) {
      if (this.isOpen()) this.closeFor(error);
    }
  }

  private async answer(message: YjsMessage): Promise<void> {
    switch (message.type) {
      case 'step-1':
        await this.inTurn(() => this.sendLackOf(message.stateVector));
        return;
      case 'step-2':
      case 'update':
        await this.take(message);
        return;
      case 'awareness': {
        const reply = this.context.presence.hear(message.update, this);
        if (reply) this.send(writeAwareness(reply));
        return;
      }
      case 'query-awareness':
        if (this.owesWhoIsHere) return; // one answer will do
        this.owesWhoIsHere = true;
        await this.inTurn(() => {
          this.owesWhoIsHere = false;
          this.sayWhoIsHere();
        });
    }
  }

  /** Answers at once, unless an answer is in work: then behind it. */
  private async inTurn(answer: () => Promise<void> | void): Promise<void> {
    const turn = this.lastAnswer?.then(() => this.answerAndDrain(answer)) ?? this.answerAndDrain(answer);
    const ended = turn.catch(() => undefined); // whoever waits for `turn` hears of it
    this.lastAnswer = ended;
    await turn;
    if (this.lastAnswer === ended) this.lastAnswer = null;
  }

  /** Resolves when the answer has left and others had their turn. Nothing is made for a socket that closes. */
  private async answerAndDrain(answer: () => Promise<void> | void): Promise<void> {
    if (!this.isOpen()) return;
    await answer();
    if (this.socket.bufferedAmount > unsentBeforeAnswerBytesMax) await drained(this.socket);
    else await otherWork();
  }

  private async sendLackOf(stateVector: Uint8Array): Promise<void> {
    const lack = await this.context.project.encode((doc) => {
      if (!this.isOpen()) return noUpdate;
      try {
        return Y.encodeStateAsUpdate(doc, stateVector);
      } catch (cause) {
        throw new RejoinError('undecodable', `The state vector can't be decoded: ${messageOf(cause)}`, {
          cause,
        });
      }
    });
    this.send(writeStep2(lack));
  }

  private async take({ type, update }: { type: 'step-2' | 'update'; update: Uint8Array }): Promise<void> {
    const outcome = await this.context.project.applyUpdate(update, this.origin);
    if (outcome.type === 'missing') {
      if (this.asked.mayAskFor(outcome.ranges)) await this.inTurn(() => this.askForRest()); // YJS-8
      return;
    }
    await outcome.durable;
    // What was new went to everybody, its sender included; the rest is acknowledged to its sender alone (YJS-6). A step 2
    // names every deletion there ever was: there is no need to send those back.
    if (!outcome.isNew) this.send(writeUpdate(type === 'update' ? update : noUpdate));
  }

  private async askForRest(): Promise<void> {
    this.send(writeStep1(await this.context.project.encode((doc) => Y.encodeStateVector(doc))));
  }

  private sayWhoIsHere(): void {
    const everybody = this.context.presence.everybody();
    if (everybody) this.send(writeAwareness(everybody));
  }

  private isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }
}

/** A Yjs update that says nothing. */
const noUpdate = new Uint8Array([0, 0]);

/** YJS-9: 4400 to 4499 are final for a provider, with 1012 and 45xx it comes back. */
export function closeCodeOf(error: unknown): number {
  if (!(error instanceof RejoinError)) return 1011;
  const codes: Partial<Record<ErrorCode, number>> = {
    undecodable: 4400,
    'bad-request': 4400,
    'not-allowed': 4403,
    deleted: 4410,
    'too-large': 1009,
    unavailable: 1013,
    'too-slow': 1013,
    'outcome-unknown': 1012,
    damaged: 4500,
  };
  return codes[error.code] ?? 1011;
}
