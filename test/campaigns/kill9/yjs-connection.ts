// An unmodified y-websocket provider, with an ear on its socket: the campaign hears every message that the server sends,
// also after the provider has let go of the socket.

import { WebsocketProvider } from 'y-websocket';
import { WebSocket } from 'ws';
import type * as Y from 'yjs';
import { readFrame, type YjsMessage } from '../../../src/wire/yjs.ts';
import { untilClosed } from './stream-socket.ts';
import { within } from './within.ts';

export class YjsConnection {
  private readonly provider: WebsocketProvider;
  private readonly sockets: WebSocket[] = [];
  /** What the server closed the last socket with; null before that. */
  private lastCode: number | null = null;

  constructor(socketUrl: string, project: string, doc: Y.Doc, hear: (message: YjsMessage) => void) {
    const { sockets } = this;
    const onCode = (code: number): void => void (this.lastCode = code);
    class HeardSocket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
        this.on('error', () => undefined); // 'close' follows
        this.on('close', onCode);
        this.on('message', (data: ArrayBuffer) => readFrame(new Uint8Array(data)).forEach(hear));
      }
    }
    this.provider = new WebsocketProvider(`${socketUrl}/yjs`, project, doc, {
      WebSocketPolyfill: HeardSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    });
  }

  get isSynced(): boolean {
    return this.provider.synced;
  }

  get closeCode(): number | null {
    return this.lastCode;
  }

  onSynced(then: () => void): void {
    this.provider.on('sync', (isSynced: boolean) => {
      if (isSynced) then();
    });
  }

  /** The server has gone. */
  onClosed(then: () => void): void {
    this.provider.on('connection-close', then);
  }

  async synced(): Promise<void> {
    await within(new Promise<void>((resolve) => this.onSynced(resolve)), 'the sync of a Yjs client');
  }

  /** After the kill: resolves when everything that had arrived was heard. */
  async untilClosed(): Promise<void> {
    this.provider.shouldConnect = false;
    await Promise.all(this.sockets.map((socket) => untilClosed(socket)));
    this.close();
  }

  close(): void {
    this.provider.destroy();
    this.provider.awareness.destroy();
    for (const socket of this.sockets) socket.terminate();
  }
}
