// A `/ws` subscriber of one project that runs all the time: after a kill it comes back with the highest seqnos it has
// seen, and expects exactly the rest (WS-4, WS-5).

import type { WebSocket } from 'ws';
import type { Ledger } from './ledger.ts';
import {
  openStreamSocket,
  subscription,
  untilClosed,
  type Streamed,
  type StreamFrame,
} from './stream-socket.ts';
import { within } from './within.ts';

export class Subscriber {
  /** Everything it was ever sent, in order. */
  readonly objects: Streamed[] = [];
  private readonly since = new Map<number, number>();
  private socket: WebSocket | null = null;
  private synced: (() => void) | null = null;

  constructor(
    readonly project: string,
    private readonly ledger: Ledger,
  ) {}

  /** Resolves with the `sync` behind what it had missed. */
  async resume(socketUrl: string): Promise<void> {
    const synced = new Promise<void>((resolve) => (this.synced = resolve));
    this.socket = await openStreamSocket(socketUrl, (frame) => this.hear(frame));
    this.socket.send(subscription('subscribe', this.project, this.since));
    await within(synced, `the sync of ${this.project}`);
  }

  leave(): void {
    this.socket?.terminate();
    this.socket = null;
  }

  async stop(): Promise<void> {
    if (this.socket) await untilClosed(this.socket);
    this.socket = null;
  }

  private hear(frame: StreamFrame): void {
    switch (frame.type) {
      case 'sync':
        this.synced?.();
        return;
      case 'object': {
        const { serverId, seqno, text } = frame.object;
        if (seqno <= (this.since.get(serverId) ?? 0))
          this.ledger.report('rule', `${this.project} streamed out of order or twice: ${text}`);
        this.since.set(serverId, seqno);
        this.ledger.sawNumber(`streamed ${this.project} ${serverId}`, seqno, text);
        this.objects.push(frame.object);
        return;
      }
      case 'uploaded':
      case 'error':
        this.ledger.report('rule', `a subscriber of ${this.project} was answered with ${frame.text}`);
    }
  }
}
