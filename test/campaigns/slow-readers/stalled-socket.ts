// A client that has joined and then reads nothing, though it is there: it says so by pongs nobody asked for, so that the
// server doesn't take it for dead.

import type { WebSocket } from 'ws';

const aliveIntervalMs = 5_000;

export class StalledSocket {
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly socket: WebSocket) {
    socket.pause();
    this.timer = setInterval(() => this.sayAlive(), aliveIntervalMs);
    socket.on('close', () => clearInterval(this.timer));
  }

  /** A connection that was cut shows that when something is sent on it. */
  isConnected(): boolean {
    this.sayAlive();
    return this.socket.readyState === this.socket.OPEN;
  }

  readOn(): void {
    this.socket.resume();
  }

  private sayAlive(): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.pong();
  }
}
