// The listening sockets of the HTTP front, opened here or inherited from a supervisor, and the connections that came in
// by them. While the server stops they are held for a while: a client that asks once more is answered, not cut off.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as SocketServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RejoinError, isSystemError } from './errors.ts';

export interface ListeningHandlers {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  error(error: Error): void;
}

export interface ListenTo {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** File descriptors of sockets that listen already; if there are any, host and port are not used. */
  readonly inherited: readonly number[];
}

/** A large dataset over a slow line takes its time. */
const requestTimeoutMs = 60 * 60 * 1000;

export class Listening {
  private readonly servers: Server[] = [];
  /** Every connection that speaks HTTP, with the answers it waits for. */
  private readonly connections = new Map<Socket, Set<ServerResponse>>();
  private phase: 'open' | 'holding' | 'releasing' = 'open';

  constructor(private readonly handlers: ListeningHandlers) {}

  /** @throws RejoinError `address-in-use`, `address-unusable`. */
  async listen({ host, port, inherited }: ListenTo): Promise<readonly AddressInfo[]> {
    const places = inherited.length > 0 ? inherited.map((fd) => ({ fd })) : [{ host, port }];
    return Promise.all(places.map((place) => this.listenAt(place)));
  }

  /**
   * Accepts no more connections and ends those there are: each behind its next answer, or when it was idle for
   * `holdMs`, and in any case after `graceMs`. Resolves when all have ended, those that became WebSockets too.
   */
  async stop(holdMs: number, graceMs: number): Promise<void> {
    this.phase = 'holding';
    for (const answers of this.connections.values()) for (const answer of answers) announceEnd(answer);
    const closed = Promise.all(this.servers.map(closeListener));
    const release = setTimeout(() => this.release(), holdMs);
    const cut = setTimeout(() => {
      for (const socket of this.connections.keys()) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(release);
    clearTimeout(cut);
    for (const server of this.servers) server.close(() => undefined); // stops its timers
  }

  private async listenAt(place: { fd: number } | { host: string; port: number }): Promise<AddressInfo> {
    const server = createServer({ requestTimeout: requestTimeoutMs });
    server.on('connection', (socket: Socket) => this.watch(socket));
    server.on('request', (request, response) => this.answer(request, response));
    server.on('upgrade', (request, socket, head) => {
      this.connections.delete(request.socket);
      this.handlers.upgrade(request, socket, head);
    });
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => reject(listenError(error, place));
      server.once('error', refuse);
      server.listen(place, () => {
        server.off('error', refuse);
        server.on('error', (error) => this.handlers.error(error));
        this.servers.push(server);
        resolve();
      });
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw listenError(new Error('no TCP socket'), place);
    return address;
  }

  private watch(socket: Socket): void {
    const answers = new Set<ServerResponse>();
    this.connections.set(socket, answers);
    socket.on('close', () => {
      this.connections.delete(socket);
      for (const answer of answers) if (!answer.socket) forsake(answer);
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const answers = this.connections.get(socket);
    answers?.add(response);
    if (this.phase !== 'open') announceEnd(response);
    response.on('close', () => {
      answers?.delete(response);
      if (this.phase === 'releasing' && answers?.size === 0) socket.end();
    });
    this.handlers.request(request, response);
  }

  /** Ends what is idle now, and what becomes so. */
  private release(): void {
    this.phase = 'releasing';
    for (const [socket, answers] of this.connections) if (answers.size === 0) socket.destroy();
  }
}

/** Its client asks again on a new connection, which a supervisor's socket keeps for the next server. */
function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

/**
 * The connection is gone before it was this answer's turn: Node tells nobody, and whoever makes the answer would wait for
 * ever until its client reads.
 */
function forsake(response: ServerResponse): void {
  response.destroy();
  response.emit('close');
}

/** Only listening ends: `http.Server.close` would cut idle connections, on which a request may be under way. */
function closeListener(server: Server): Promise<void> {
  return new Promise((resolve) => {
    SocketServer.prototype.close.call(server, () => resolve());
  });
}

function listenError(cause: Error, place: { fd: number } | { host: string; port: number }): RejoinError {
  if ('fd' in place) {
    const message = `The inherited file descriptor ${place.fd} is no listening TCP socket (${cause.message}): its unit should have ListenStream= with a port, and Accept=no`;
    return new RejoinError('address-unusable', message, { cause });
  }
  const { host, port } = place;
  if (isSystemError(cause, 'EADDRINUSE')) {
    const message = `Port ${port} of ${host} is in use: stop the program that has it, or choose another with --port`;
    return new RejoinError('address-in-use', message, { cause });
  }
  const message = `The server can't listen on ${host} port ${port}: ${cause.message}`;
  return new RejoinError('address-unusable', message, { cause });
}
