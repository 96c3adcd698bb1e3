// What is sent to one WebSocket client and waits until the client reads it: whoever has more to send asks here whether
// it can wait (WS-21, YJS-11).

import type { WebSocket } from 'ws';

/** With more than this waiting, a client is slow. */
const unsentBytesMax = 512 * 1024;
/** What a frame takes while it waits, beside its bytes: small ones take mostly that. */
export const frameOverheadBytes = 512;

export class Outgoing {
  private waitingBytes = 0;

  constructor(readonly socket: WebSocket) {}

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** What waits, with what the frames take beside their bytes. */
  get unsentBytes(): number {
    // Of what has left at once we hear a moment later only.
    return this.socket.bufferedAmount === 0 ? 0 : this.waitingBytes;
  }

  /** Whether what can be sent later should be. */
  get isFull(): boolean {
    return this.unsentBytes > unsentBytesMax;
  }

  /** Sends a text or binary frame; nothing happens on a socket that is closed. The bytes are not copied. */
  send(frame: string | Uint8Array): void {
    const left = this.waits(frame.length, 1);
    this.socket.send(frame, { binary: typeof frame !== 'string' }, left);
  }

  /** Resolves when all that was sent so far has left, or the socket is closed. */
  drained(): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      const end = (): void => {
        socket.off('close', end);
        resolve();
      };
      socket.on('close', end);
      // An empty ping goes out behind all that waits: its callback says that the way is free.
      socket.ping('', false, end);
    });
  }

  /** Counts what is about to wait. @returns what is to be called when it has left. */
  protected waits(bytes: number, frames: number): () => void {
    const counted = bytes + frames * frameOverheadBytes;
    this.waitingBytes += counted;
    return () => (this.waitingBytes -= counted);
  }
}
