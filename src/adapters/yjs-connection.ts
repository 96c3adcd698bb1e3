// One Yjs client of a room: answers its messages, in order, and says why when it closes the connection.

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
import { InWork, closeWith, send } from './sockets.ts';

/** A client that lets this much wait is cut off; it gets what it missed when it comes back. */
const unsentBytesMax = 64 * 1024 * 1024;

export interface YjsConnectionContext {
  readonly project: Project;
  readonly presence: Presence<YjsConnection>;
  readonly environment: Environment;
  readonly log: AdapterLog;
}

export class YjsConnection {
  private readonly origin: Origin = { protocol: 'yjs', user: anonymous };
  private readonly asked: MissingAsked;

  constructor(
    private readonly socket: WebSocket,
    private readonly context: YjsConnectionContext,
  ) {
    this.asked = new MissingAsked(context.environment);
    const inWork = new InWork(socket);
    socket.on('message', (data: Buffer, isBinary) => {
      void inWork.run(data.length, () => this.handle(data, isBinary));
    });
  }

  /** YJS-2: step 1, and who is here. */
  greet(stateVector: Uint8Array): void {
    this.send(writeStep1(stateVector));
    this.sayWhoIsHere();
  }

  send(frame: Uint8Array): void {
    if (this.socket.bufferedAmount > unsentBytesMax)
      this.closeFor(new RejoinError('unavailable', 'reads too slowly'));
    else send(this.socket, frame);
  }

  /** Closes with the code that the error stands for. */
  closeFor(error: unknown): void {
    if (error instanceof RejoinError) this.context.log.refused('yjs', error);
    else this.context.log.defect('yjs', error);
    closeWith(this.socket, closeCodeOf(error), messageOf(error));
  }

  private async handle(frame: Uint8Array, isBinary: boolean): Promise<void> {
    try {
      if (!isBinary) throw new RejoinError('undecodable', 'messages are binary frames');
      // Each is started at once, so that they take effect in their order; the answers come when they are durable.
      await Promise.all(readFrame(frame).map((message) => this.answer(message)));
    } catch (error) {
      if (this.socket.readyState === this.socket.OPEN) this.closeFor(error);
    }
  }

  private async answer(message: YjsMessage): Promise<void> {
    switch (message.type) {
      case 'step-1':
        this.send(writeStep2(await this.lackOf(message.stateVector)));
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
        this.sayWhoIsHere();
    }
  }

  private lackOf(stateVector: Uint8Array): Promise<Uint8Array> {
    return this.context.project.encode((doc) => {
      try {
        return Y.encodeStateAsUpdate(doc, stateVector);
      } catch (cause) {
        throw new RejoinError('undecodable', `The state vector can't be decoded: ${messageOf(cause)}`, {
          cause,
        });
      }
    });
  }

  private async take({ type, update }: { type: 'step-2' | 'update'; update: Uint8Array }): Promise<void> {
    const outcome = await this.context.project.applyUpdate(update, this.origin);
    if (outcome.type === 'missing') {
      if (this.asked.mayAskFor(outcome.ranges)) await this.askForRest(); // YJS-8
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
    'outcome-unknown': 1012,
    damaged: 4500,
  };
  return codes[error.code] ?? 1011;
}
