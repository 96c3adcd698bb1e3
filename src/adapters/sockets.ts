// What the WebSocket wires share: finding dead peers, bounding what a client has in work, closing all in good order.

import type { WebSocket } from 'ws';

const pingIntervalMs = 30_000;
/** A client with more than this in work is not read from until some of it is done. */
const inWorkBytesMax = 8 * 1024 * 1024;

/** All open WebSockets of a server. */
export class Sockets {
  private readonly isAlive = new Map<WebSocket, boolean>();
  private readonly timer = setInterval(() => this.ping(), pingIntervalMs);

  /** Watches a socket. It has an error listener from here on: `ws` throws protocol errors at sockets without (YJS-10). */
  add(socket: WebSocket): void {
    this.isAlive.set(socket, true);
    socket.on('error', () => undefined); // `ws` closes the socket with the right code by itself
    socket.on('pong', () => this.isAlive.set(socket, true));
    socket.on('close', () => this.isAlive.delete(socket));
  }

  /** Takes nothing more from clients. */
  pause(): void {
    for (const socket of this.isAlive.keys()) socket.pause();
  }

  /** Closes all with 1012, so that clients come back, and cuts those that don't answer in time. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.timer);
    const closing = [...this.isAlive.keys()].map((socket) => closed(socket, graceMs));
    await Promise.all(closing);
  }

  private ping(): void {
    for (const [socket, isAlive] of this.isAlive) {
      if (!isAlive) socket.terminate();
      else {
        this.isAlive.set(socket, false);
        socket.ping();
      }
    }
  }
}

function closed(socket: WebSocket, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => socket.terminate(), graceMs);
    socket.on('close', () => {
      clearTimeout(cut);
      resolve();
    });
    socket.resume(); // one that is paused would not hear the answer
    socket.close(1012, 'the server restarts');
  });
}

/** Runs what one client's frames ask for, and stops reading from it while too much is in work. */
export class InWork {
  private bytes = 0;

  constructor(private readonly socket: WebSocket) {}

  async run(bytes: number, work: () => Promise<void>): Promise<void> {
    this.bytes += bytes;
    if (this.bytes > inWorkBytesMax) this.socket.pause();
    try {
      await work();
    } finally {
      this.bytes -= bytes;
      if (this.bytes <= inWorkBytesMax && this.socket.isPaused) this.socket.resume();
    }
  }
}

/** Sends a text or binary frame; nothing happens on a socket that is closed. Calls back when the system has it. */
export function send(socket: WebSocket, data: string | Uint8Array, sent?: () => void): void {
  socket.send(data, () => sent?.());
}

/** Closes with a code and as much of the reason as fits (123 bytes). */
export function closeWith(socket: WebSocket, code: number, reason: string): void {
  let text = reason;
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1);
  socket.close(code, text.toWellFormed());
}
