// A link to another server over one socket (docs/replication-protocol.md), alike on both sides: it reads and numbers
// frames, finds out who the peer is, and says why it ends; the rest is the dialogue. Whoever opens or accepts sockets on
// /replicate makes one for each.

import { RejoinError, messageOf } from '../errors.ts';
import {
  protocolVersion,
  type Hello,
  type Refused,
  type RefusalReason,
  type ReplicationMessage,
} from '../wire/replication/messages.ts';
import { Dialogue, fetchCapability, resumeCapability } from './dialogue.ts';
import { refusalOf, type OwnHello } from './handshake.ts';
import { LinkInput } from './link-input.ts';
import { LinkOutput } from './link-output.ts';
import type { LinkEnd, LinkEvent, LinkOptions, LinkRefusal, LinkState } from './link-transport.ts';
import { Tasks } from './tasks.ts';

/** So long a peer may take to say who it is. */
const helloWithinMs = 30_000;
/** So many troubles with projects are remembered, so that none is told again and again. */
const troublesMax = 1_000;

export class Link {
  private readonly own: OwnHello;
  private readonly tasks = new Tasks((error) => this.fail(error));
  private readonly input: LinkInput;
  private readonly output: LinkOutput;
  private readonly dialogue: Dialogue;
  private peer: Hello | null = null;
  private lastError: string | null = null;
  private isWelcome = false;
  /** Of projects that failed. */
  private readonly troubles = new Set<string>();
  private readonly cancelWait: () => void;
  private readonly stopHearing: () => void;
  private hasEnded = false;

  /** The socket is open: the first message goes out at once. */
  constructor(private readonly options: LinkOptions) {
    const { replicas, transport, instance } = options;
    this.own = { serverId: replicas.serverId, instance };
    this.input = new LinkInput((bytes) => this.output.send({ type: 'ack', bytes }));
    this.output = new LinkOutput(
      (frame) => transport.send(frame),
      () => this.dialogue.wake(),
    );
    this.dialogue = new Dialogue({
      ...options,
      output: this.output,
      tasks: this.tasks,
      observe: (event) => this.observe(event),
      cut: (detail) => this.cut(detail),
    });
    this.cancelWait = options.timers.after(helloWithinMs, () =>
      this.cut(`The peer has not said hello within ${helloWithinMs / 1_000} s`),
    );
    // The peer must hear who writes here from now on (REP-8), also where nothing happens otherwise.
    this.stopHearing = replicas.listenLives(() =>
      this.cut(
        replicas.serverId === this.own.serverId
          ? 'This server has given up changes that it had'
          : 'This server has taken a new server id',
      ),
    );
    this.output.send({
      type: 'hello',
      protocol: protocolVersion,
      ...this.own,
      capabilities: [fetchCapability, resumeCapability],
    });
  }

  /** For metrics and the console (REP-12). */
  get state(): LinkState {
    const { incoming, outgoing, waitingProjects, isInStep } = this.dialogue;
    return {
      peer: this.peer,
      isInStep,
      lagChanges: incoming.lagChanges,
      aheadChanges: outgoing.aheadChanges,
      changesReceived: incoming.changesReceived,
      changesSent: outgoing.changesSent,
      bytesReceived: this.input.bytesReceived,
      bytesSent: this.output.bytesSent,
      pausedProjects: incoming.pausedProjects,
      waitingProjects,
      lastError: this.lastError,
    };
  }

  /** Takes a binary message of the socket. Whatever is in it: nothing is thrown. */
  receive(bytes: Uint8Array): void {
    if (this.hasEnded) return;
    try {
      const received = this.input.read(bytes);
      switch (received.type) {
        case 'message': {
          this.handle(received.message, received.cost);
          return;
        }
        case 'gap': {
          this.cut(received.detail);
          return;
        }
        case 'known':
          return;
        default:
          received satisfies never;
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** The socket has closed. */
  end(): void {
    this.finish({ type: 'closed' });
  }

  /** This server stops: the peer is told so. */
  stop(): void {
    this.refuse({ reason: 'stopping', message: 'This server stops' });
  }

  /** Resolves when nothing that was begun goes on any more; call it behind `end` or `stop`, before the store is closed. */
  settled(): Promise<void> {
    return this.tasks.idle();
  }

  private handle(message: ReplicationMessage, cost: number): void {
    if (message.type === 'refused') {
      this.heedRefusal(message);
      return;
    }
    if (message.type === 'hello') {
      this.greet(message);
      return;
    }
    if (!this.peer)
      throw new RejoinError('bad-request', `The first message must be hello; it was ${message.type}`);
    if (!this.isWelcome && message.type !== 'ack') {
      this.isWelcome = true;
      this.options.onWelcome?.();
    }
    if (message.type === 'ack') this.output.acknowledged(message.bytes);
    else this.dialogue.receive(message, () => this.input.dealtWith(cost));
  }

  private greet(hello: Hello): void {
    if (this.peer) throw new RejoinError('bad-request', 'hello must be sent once');
    this.peer = hello;
    this.cancelWait();
    const refusal = refusalOf(hello, this.own);
    if (refusal) {
      this.refuse(refusal);
      return;
    }
    this.tasks.run(async () => {
      const refused = await this.options.admit?.(hello);
      if (this.hasEnded) return;
      if (refused) this.refuse(refused);
      else this.dialogue.start(hello);
    });
  }

  private observe(event: LinkEvent): void {
    this.lastError = event.detail;
    if (event.type === 'project-failed') {
      const trouble = JSON.stringify([event.project, event.detail]);
      if (this.troubles.has(trouble)) return;
      if (this.troubles.size === troublesMax) this.troubles.clear();
      this.troubles.add(trouble);
    }
    this.options.observe(event);
  }

  private heedRefusal({ reason, message }: Refused): void {
    this.close(closeCodes[reason], message);
    this.over({ type: 'refused', by: 'peer', reason, message });
  }

  private refuse({ reason, message }: LinkRefusal): void {
    this.output.send({ type: 'refused', reason, message });
    this.close(closeCodes[reason], message);
    this.over({ type: 'refused', by: 'us', reason, message });
  }

  /** Both sides begin anew. */
  private cut(detail: string): void {
    if (this.hasEnded) return;
    this.close(closeCodes.stopping, detail);
    this.finish({ type: 'cut', detail });
  }

  /** What the peer did wrong is told to it; what went wrong here may be better next time. */
  private fail(error: unknown): void {
    if (this.hasEnded) return;
    const message = messageOf(error);
    if (!(error instanceof RejoinError)) this.refuse({ reason: 'internal', message });
    else if (error.code === 'bad-request') this.refuse({ reason: 'malformed', message });
    else this.cut(message);
  }

  /** A twin takes a new server id before the link ends (REP-9). */
  private over(end: LinkEnd & { type: 'refused' }): void {
    if (end.reason !== 'twin' || !this.isTwin(end.by) || this.hasEnded) {
      this.finish(end);
      return;
    }
    this.halt(end.message);
    this.tasks.run(async () => {
      try {
        await this.options.replicas.renewLife(end.message, this.own.serverId);
        this.options.onEnd(end);
      } catch (error) {
        this.options.onEnd({
          type: 'cut',
          detail: `${end.message}; a new one can't be taken: ${messageOf(error)}`,
        });
      }
    });
  }

  /** Of two with one server id, it is the one that has connected; of a third server's links, the one that it refuses. */
  private isTwin(refusedBy: 'us' | 'peer'): boolean {
    if (this.peer && this.peer.serverId !== this.own.serverId) return refusedBy === 'peer';
    return this.options.role === 'connects';
  }

  private finish(end: LinkEnd): void {
    if (this.hasEnded) return;
    this.halt(end.type === 'closed' ? this.lastError : end.type === 'cut' ? end.detail : end.message);
    this.options.onEnd(end);
  }

  private halt(lastError: string | null): void {
    this.hasEnded = true;
    this.cancelWait();
    this.stopHearing();
    this.lastError = lastError;
    this.dialogue.end();
    this.output.end();
  }

  private close(code: number, reason: string): void {
    if (!this.hasEnded) this.options.transport.close(code, closeReason(reason));
  }
}

/** Of the WebSocket, for those who watch it: the peer goes by the message `refused`. */
const closeCodes: Readonly<Record<RefusalReason, number>> = {
  malformed: 1002,
  protocol: 1008,
  self: 1008,
  twin: 1008,
  internal: 1011,
  stopping: 1012,
  busy: 1013,
};

const closeReasonBytesMax = 123;

/** The start of a sentence that a close frame holds. */
function closeReason(sentence: string): string {
  const bytes = new TextEncoder().encode(sentence);
  return new TextDecoder().decode(bytes.subarray(0, closeReasonBytesMax)).replace(/\uFFFD+$/, '');
}
