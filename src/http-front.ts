// The one HTTP server: checks who asks, hands requests and upgrades to the adapter of their path, and stops in good
// order.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { checkHost, checkOrigin, type AccessRules } from './adapters/access.ts';
import { sendJson, sendText, statusOf } from './adapters/http.ts';
import type { Sockets } from './adapters/sockets.ts';
import type { StreamAdapter } from './adapters/stream.ts';
import type { UdtAdapter } from './adapters/udt.ts';
import { yjsFrameBytesMax, type YjsAdapter } from './adapters/yjs.ts';
import { RejoinError, messageOf } from './errors.ts';
import type { Observations } from './observations.ts';
import { streamLimits } from './wire/stream/messages.ts';
import { parseYjsPath } from './wire/yjs-path.ts';

export interface HttpFrontOptions {
  readonly access: AccessRules;
  readonly sockets: Sockets;
  readonly observations: Observations;
  readonly stream: StreamAdapter;
  readonly udt: UdtAdapter;
  readonly yjs: YjsAdapter;
}

/** A large dataset over a slow line takes its time. */
const requestTimeoutMs = 60 * 60 * 1000;

export class HttpFront {
  private isStopping = false;
  private readonly server = createServer({ requestTimeout: requestTimeoutMs });
  private readonly streamSockets = webSocketServer(streamLimits.frameBytesMax);
  private readonly yjsSockets = webSocketServer(yjsFrameBytesMax);

  constructor(private readonly options: HttpFrontOptions) {
    this.server.on('request', (request, response) => void this.answer(request, response));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  /** `HOST:PORT`, once it listens. */
  get address(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') return '';
    return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** @throws RejoinError `address-in-use`, `address-unusable`. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(listenError(error, host, port));
      this.server.once('error', refuse);
      this.server.listen(port, host, () => {
        this.server.off('error', refuse);
        this.server.on('error', (error) => this.options.observations.defect('http', error));
        resolve();
      });
    });
  }

  /**
   * Takes no more requests, lets those in flight finish, and closes all sockets.
   * @param flush resolves when what clients have asked for is done.
   */
  async stop(graceMs: number, flush: () => Promise<void>): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    this.options.sockets.pause();
    await flush();
    await new Promise(setImmediate); // the answers go out before the sockets close
    await this.options.sockets.close(graceMs);
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkHost(request, this.options.access);
      const url = parseUrl(request);
      if (await this.options.udt.handle(request, response, url)) return;
      if (url.pathname === '/healthz') {
        sendJson(response, 200, { status: 'ok', counts: this.options.observations.counts });
        return;
      }
      if (url.pathname === '/') {
        sendText(
          response,
          200,
          'This is a rejoin server: /ws for streams, /yjs/<project> for Yjs, /api/session for UDT.\n',
        );
        return;
      }
      throw new RejoinError('not-found', `There is nothing at ${url.pathname}`);
    } catch (error) {
      sendText(response, this.statusFor(error), messageOf(error));
    }
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy()); // YJS-10
    const { stream, yjs } = this.options;
    try {
      if (this.isStopping) throw new RejoinError('unavailable', 'The server is shutting down');
      checkHost(request, this.options.access);
      checkOrigin(request, this.options.access);
      const target = request.url ?? '';
      const project = parseYjsPath(target);
      if (project !== undefined) {
        this.yjsSockets.handleUpgrade(request, socket, head, (client) => {
          void yjs.accept(this.watched(client), project);
        });
      } else if (/^\/ws\/?(\?|$)/.test(target)) {
        this.streamSockets.handleUpgrade(request, socket, head, (client) =>
          stream.accept(this.watched(client), socket),
        );
      } else {
        throw new RejoinError('not-found', `There is no WebSocket at ${target}: use /ws or /yjs/<project>`);
      }
    } catch (error) {
      refuseUpgrade(socket, this.statusFor(error), messageOf(error));
    }
  }

  private watched(client: WebSocket): WebSocket {
    this.options.sockets.add(client);
    return client;
  }

  private statusFor(error: unknown): number {
    if (!(error instanceof RejoinError)) {
      this.options.observations.defect('http', error);
      return 500;
    }
    this.options.observations.refused('http', error);
    return statusOf(error.code);
  }
}

function webSocketServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({ noServer: true, clientTracking: false, maxPayload });
}

function parseUrl({ url = '/' }: IncomingMessage): URL {
  const absolute = url.startsWith('/') ? `http://localhost${url}` : url; // UDT-7: "//api" is a path
  if (!URL.canParse(absolute))
    throw new RejoinError('bad-request', `The request target ${JSON.stringify(url)} is no path`);
  return new URL(absolute);
}

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  const body = Buffer.from(message, 'utf8');
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${message}`,
  );
}

function listenError(cause: Error, host: string, port: number): RejoinError {
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} of ${host} is in use: stop the program that has it, or choose another with --port`;
    return new RejoinError('address-in-use', message, { cause });
  }
  const message = `The server can't listen on ${host} port ${port}: ${cause.message}`;
  return new RejoinError('address-unusable', message, { cause });
}
