// The sockets of one client under test: real ones, whose frames are kept, and which can be cut, kept from connecting,
// and kept from hearing an answer.

import { WebSocket } from 'ws';
import type { SocketConstructor } from '../../src/client/socket.ts';
import type { JsonObject } from '../../src/model/json.ts';

/** Nothing listens there. */
const nowhere = 'ws://127.0.0.1:1/';

export class ClientSockets {
  /** All that was sent, over all sockets. */
  readonly sent: JsonObject[] = [];
  /** Sockets that were made. */
  count = 0;
  isOffline = false;
  /** Messages that the client isn't to hear. */
  isLost: (message: JsonObject) => boolean = () => false;
  /** Answers in the place of the server, which then isn't asked; null leaves the answer to it. */
  answer: (message: JsonObject) => JsonObject | null = () => null;
  readonly WebSocket: SocketConstructor;
  private readonly open = new Set<WebSocket>();

  constructor() {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the sockets have a this of their own
    const sockets = this;
    this.WebSocket = class extends WebSocket {
      constructor(url: string) {
        super(sockets.isOffline ? nowhere : url);
        sockets.count++;
        sockets.open.add(this);
        this.on('close', () => sockets.open.delete(this));
      }

      override send(text: string): void {
        const message = JSON.parse(text) as JsonObject;
        sockets.sent.push(message);
        const answer = sockets.answer(message);
        if (!answer) {
          super.send(text);
          return;
        }
        const heard = Buffer.from(JSON.stringify({ mux_id: message['mux_id'] ?? null, ...answer }));
        setImmediate(() => super.emit('message', heard, false));
      }

      override emit(event: string | symbol, ...args: unknown[]): boolean {
        const [data] = args;
        if (event === 'message' && sockets.isLost(JSON.parse(String(data)) as JsonObject)) return false;
        return super.emit(event, ...args);
      }
    };
  }

  /** Ends all connections without a word, as a network that is lost. */
  cut(): void {
    for (const socket of this.open) socket.terminate();
  }

  goOffline(): void {
    this.isOffline = true;
    this.cut();
  }

  /** What was sent of a type. */
  sentOf(type: string): JsonObject[] {
    return this.sent.filter((message) => message['type'] === type);
  }
}
