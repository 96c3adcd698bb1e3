// A `/ws` connection that is opened again whenever it has ended, to wherever its owner is at that moment.

import type { WebSocket } from 'ws';
import type { Address } from '../kill9/writer.ts';
import { openStreamSocket, type StreamFrame } from '../kill9/stream-socket.ts';

const comeBackMs = 50;

export interface StreamLineOwner {
  /** Where it is now. */
  home(): Address;
  /** A new connection is open. */
  opened(): void;
  hear(frame: StreamFrame): void;
}

export class StreamLine {
  private socket: WebSocket | null = null;
  private hasEnded = false;
  private comingBack: NodeJS.Timeout | undefined;

  constructor(private readonly owner: StreamLineOwner) {
    void this.connect();
  }

  /** Nothing happens while there is no connection. */
  send(text: string): void {
    this.socket?.send(text, () => undefined);
  }

  /** Ends the connection without a word, and opens another. */
  cut(): void {
    this.socket?.terminate();
  }

  end(): void {
    this.hasEnded = true;
    clearTimeout(this.comingBack);
    this.cut();
  }

  /** One at a time: the next begins when this one is closed. */
  private async connect(): Promise<void> {
    const home = this.owner.home();
    try {
      const socket = await openStreamSocket(home.socketUrl, (frame) => {
        if (this.socket === socket) this.owner.hear(frame);
      });
      socket.on('close', () => this.comeBack());
      const isUseless = this.hasEnded || home !== this.owner.home();
      if (isUseless || socket.readyState !== socket.OPEN) {
        if (socket.readyState === socket.CLOSED) this.comeBack();
        else socket.terminate();
        return;
      }
      this.socket = socket;
      this.owner.opened();
    } catch {
      this.comeBack(); // its server is away
    }
  }

  private comeBack(): void {
    this.socket = null;
    if (!this.hasEnded) this.comingBack = setTimeout(() => void this.connect(), comeBackMs);
  }
}
