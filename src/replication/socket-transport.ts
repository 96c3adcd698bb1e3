// A WebSocket as links know it: it carries binary frames, and finds out when nobody is there any more. peers.ts makes one of each socket,
// opened or accepted.

import type { WebSocket } from 'ws';
import type { LinkTimers, LinkTransport } from './link-transport.ts';

/** Both sides ping, so that each hears of the other however long a frame is on its way over a slow line. */
const pingIntervalMs = 20_000;
/** After so many intervals without a byte nobody is there any more. */
const silentIntervalsMax = 3;
/** How long the other side has to answer that a socket is closed. */
const closeWithinMs = 2_000;

/** What lies below a WebSocket. */
export interface ByteStream {
  readonly bytesRead: number;
}

export class SocketTransport implements LinkTransport {
  private bytesHeard = 0;
  private silentIntervals = 0;

  /** @param received gets each binary message; a text one closes the socket. */
  constructor(
    private readonly socket: WebSocket,
    private readonly below: ByteStream,
    private readonly timers: LinkTimers,
    received: (frame: Uint8Array) => void,
  ) {
    socket.on('error', () => undefined); // `ws` closes it
    socket.on('message', (data, isBinary) => {
      if (!isBinary) this.close(1003, 'frames of replication are binary');
      else if (data instanceof Uint8Array) received(data); // as `ws` gives them unless told otherwise
    });
    this.watch();
  }

  send(frame: Uint8Array): void {
    if (this.isOpen()) this.socket.send(frame, { binary: true });
  }

  close(code: number, reason: string): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    this.socket.close(code, clipped(reason));
    this.socket.on(
      'close',
      this.timers.after(closeWithinMs, () => this.cut()),
    );
  }

  /** Ends a socket at whose other end there is nobody. */
  cut(): void {
    this.socket.terminate();
  }

  /** Whether there is somebody at the other end: anything that comes from there says so. */
  async isAnswered(withinMs: number): Promise<boolean> {
    if (!this.isOpen()) return false;
    const { bytesRead } = this.below;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        cancel();
        this.socket.off('pong', end).off('close', end);
        resolve();
      };
      const cancel = this.timers.after(withinMs, end);
      this.socket.on('pong', end).on('close', end);
      this.socket.ping();
    });
    return this.isOpen() && this.below.bytesRead > bytesRead;
  }

  private isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  private watch(): void {
    const cancel = this.timers.after(pingIntervalMs, () => {
      this.socket.off('close', cancel);
      const { bytesRead } = this.below;
      this.silentIntervals = bytesRead === this.bytesHeard ? this.silentIntervals + 1 : 0;
      this.bytesHeard = bytesRead;
      if (this.silentIntervals >= silentIntervalsMax) {
        this.cut();
        return;
      }
      if (this.isOpen()) this.socket.ping();
      this.watch();
    });
    this.socket.on('close', cancel);
  }
}

/** A close frame has room for 123 bytes. */
function clipped(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1);
  return text.toWellFormed();
}
