// What is sent to one `/ws` client: as outgoing.ts has it, and frames that were made beforehand, many of them at once.

import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Frames } from './frames.ts';
import { Outgoing } from './outgoing.ts';

export class StreamOutgoing extends Outgoing {
  /** @param transport what the socket was opened on, without compression: `ws` writes its own frames to it at once. */
  constructor(
    socket: WebSocket,
    private readonly transport: Writable,
  ) {
    super(socket);
  }

  /** Sends frames behind all that was sent before; nothing happens on a socket that is closed. */
  sendFrames({ pieces, count }: Frames): void {
    const last = pieces.at(-1);
    if (!last || !this.isOpen) return;
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const left = this.waits(bytes, count);
    this.transport.cork();
    for (const piece of pieces.slice(0, -1)) this.transport.write(piece);
    this.transport.write(last, left);
    this.transport.uncork();
  }
}
