// What the WebSocket wires share: finding dead peers, bounding what a client has in work, closing all in good order.

import type { WebSocket } from 'ws';

const pingIntervalMs = 30_000;
/** A client with more than this in work is not read from until some of it is done. */
const inWorkBytesMax = 8 * 1024 * 1024;
/** What a frame takes in work beside its bytes, so that many small ones count as well. */
const frameOverheadBytes = 1024;
/** Nor is one that lets more than this wait for it. */
const unsentBytesMax = 1024 * 1024;

/** The event at a socket that says: nothing more is taken from it. */
const stopping = Symbol('stopping');

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
    for (const socket of this.isAlive.keys()) socket.emit(stopping);
  }

  /** Closes all with 1012, so that clients come back, and cuts those that don't answer in time. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.timer);
    const closing = [...this.isAlive.keys()].map((socket) => closed(socket, graceMs));
    await Promise.all(closing);
  }

  private ping(): void {
    for (const [socket, isAlive] of this.isAlive) {
      // Of one that is paused no answer could be heard.
      if (!isAlive && !socket.isPaused) socket.terminate();
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

/**
 * What is read from one client, and all that stops it. It is the only one to pause an open socket, so that no reason to
 * go on undoes another to wait.
 */
export class Intake {
  private readonly reasonsToWait = new Set<'loading' | 'in-work' | 'unsent' | 'stopping'>();
  private inWorkBytes = 0;

  constructor(private readonly socket: WebSocket) {
    socket.on(stopping, () => this.wait('stopping', true));
  }

  /** Whether nothing is read yet because there is nobody to handle it. */
  set isLoading(isLoading: boolean) {
    this.wait('loading', isLoading);
  }

  /** Runs what a frame asks for, and reads on unless too much is in work or waits for the client to read it. */
  async run(frameBytes: number, work: () => Promise<void>): Promise<void> {
    const bytes = frameBytes + frameOverheadBytes;
    this.count(bytes);
    try {
      await work();
    } finally {
      this.count(-bytes);
    }
  }

  private count(bytes: number): void {
    this.inWorkBytes += bytes;
    this.wait('in-work', this.inWorkBytes > inWorkBytesMax);
    if (this.socket.bufferedAmount <= unsentBytesMax || this.reasonsToWait.has('unsent')) return;
    this.wait('unsent', true);
    void drained(this.socket).then(() => this.wait('unsent', false));
  }

  private wait(reason: 'loading' | 'in-work' | 'unsent' | 'stopping', hasReason: boolean): void {
    if (hasReason) this.reasonsToWait.add(reason);
    else this.reasonsToWait.delete(reason);
    const { socket } = this;
    // One that is closing must hear the answer.
    if (this.reasonsToWait.size > 0 && socket.readyState === socket.OPEN) socket.pause();
    else if (socket.isPaused) socket.resume();
  }
}

/** Resolves when all that was sent so far has left, or the socket is closed. */
export function drained(socket: WebSocket): Promise<void> {
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

/** Sends a text or binary frame; nothing happens on a socket that is closed. */
export function send(socket: WebSocket, data: string | Uint8Array): void {
  socket.send(data, () => undefined);
}

/** Sends UTF-8 as a text frame; nothing happens on a socket that is closed. */
export function sendText(socket: WebSocket, utf8: Uint8Array): void {
  socket.send(utf8, { binary: false }, () => undefined);
}

/** Closes with a code and as much of the reason as fits (123 bytes). */
export function closeWith(socket: WebSocket, code: number, reason: string): void {
  let text = reason;
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1);
  socket.close(code, text.toWellFormed());
}
