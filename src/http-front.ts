// The one HTTP server: checks who asks, hands requests and upgrades to the adapter of their path, and stops in good
// order.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { checkHost, checkOrigin, isLoopback, type AccessRules } from './adapters/access.ts';
import { sendText, statusOf } from './adapters/http.ts';
import type { Wire } from './adapters/log.ts';
import type { RestAdapter } from './adapters/rest.ts';
import type { Sockets } from './adapters/sockets.ts';
import type { StreamAdapter } from './adapters/stream.ts';
import type { UdtAdapter } from './adapters/udt.ts';
import { yjsFrameBytesMax, type YjsAdapter } from './adapters/yjs.ts';
import { ClientModule } from './client-module.ts';
import { RejoinError, messageOf } from './errors.ts';
import { Listening, type ListenTo } from './listening.ts';
import type { Metrics } from './metrics.ts';
import type { Observations } from './observations.ts';
import { checkPeer } from './replication/peer-token.ts';
import type { Peers } from './replication/peers.ts';
import { StatusPages, type StatusPage } from './status-pages.ts';
import { replicationLimits } from './wire/replication/messages.ts';
import type { RestRoute } from './wire/rest/path.ts';
import { streamLimits } from './wire/stream/messages.ts';
import type { UdtRoute } from './wire/udt.ts';
import { parseYjsPath } from './wire/yjs-path.ts';

export interface HttpFrontOptions {
  readonly publicUrl: URL | null;
  readonly allowedOrigins: readonly string[];
  readonly sockets: Sockets;
  readonly metrics: Metrics;
  readonly observations: Observations;
  /** One line that says why nothing can be written at the moment; null if it can. */
  readonly writingProblem: () => string | null;
  readonly stream: StreamAdapter;
  readonly udt: UdtAdapter;
  readonly yjs: YjsAdapter;
  readonly rest: RestAdapter;
  readonly peers: Pick<Peers, 'checkRoom' | 'accept'>;
  /** What servers that open a link must show; null if there is none. */
  readonly peerToken: string | null;
}

export interface StopTimes {
  /** How long an idle connection is held for one more request. */
  readonly holdMs: number;
  /** How long requests that are under way have to end. */
  readonly requestsMs: number;
  /** How long WebSocket clients have to answer that they heard of the end. */
  readonly socketsMs: number;
}

type Route = UdtRoute['type'] | RestRoute['type'] | StatusPage | 'client' | 'replicate';

export class HttpFront {
  private isStopping = false;
  /** The last one that was let in. */
  private lastHost: string | null = null;
  private access: AccessRules;
  private addresses: readonly string[] = [];
  private readonly listening: Listening;
  private readonly pages: StatusPages;
  private readonly clientModule = new ClientModule();
  private readonly streamSockets = webSocketServer(streamLimits.frameBytesMax);
  private readonly yjsSockets = webSocketServer(yjsFrameBytesMax);
  private readonly peerSockets = webSocketServer(replicationLimits.frameBytes);

  constructor(private readonly options: HttpFrontOptions) {
    const { publicUrl, allowedOrigins, metrics, observations } = options;
    this.access = { host: 'localhost', publicUrl, allowedOrigins }; // the strictest, until it listens
    this.listening = new Listening({
      request: (request, response) => void this.answer(request, response),
      upgrade: (request, socket, head) => this.upgrade(request, socket, head),
      error: (error) => observations.defect('http', error),
    });
    this.pages = new StatusPages({ metrics, unready: () => this.unready() });
  }

  /** `HOST:PORT`, once it listens; the first where it listens at several. */
  get address(): string {
    return this.addresses[0] ?? '';
  }

  /**
   * @param mayBeOpen whether others than this machine may reach it.
   * @throws RejoinError `address-in-use`, `address-unusable`; `usage` for an address that may not be open and is.
   */
  async listen(to: ListenTo, mayBeOpen: boolean): Promise<void> {
    const addresses = await this.listening.listen(to);
    const open = addresses.find(({ address }) => !isLoopback(address));
    if (open && !mayBeOpen) {
      const message = `The inherited socket listens on ${printAddress(open)}, so that everybody who reaches that address could read and write: add --insecure if that is all right`;
      throw new RejoinError('usage', message);
    }
    this.addresses = addresses.map(printAddress);
    this.access = { ...this.access, host: open?.address ?? 'localhost' };
  }

  /**
   * Accepts no more connections, lets requests in flight finish, and closes all sockets.
   * @param flush resolves when what clients have asked for is done.
   */
  async stop({ holdMs, requestsMs, socketsMs }: StopTimes, flush: () => Promise<void>): Promise<void> {
    this.isStopping = true;
    const ended = this.listening.stop(holdMs, requestsMs);
    this.options.sockets.pause();
    await flush();
    this.options.rest.end();
    await new Promise(setImmediate); // the answers go out before the sockets close
    await this.options.sockets.close(socketsMs);
    await ended;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let route: Route = 'nowhere';
    try {
      this.checkHost(request);
      route = await this.route(request, response);
    } catch (error) {
      sendText(response, this.statusFor(error), messageOf(error));
    }
    this.options.metrics.answered(route, request.method ?? '', response.statusCode);
  }

  /** A client says the same on each of its requests. */
  private checkHost(request: IncomingMessage): void {
    const { host } = request.headers;
    if (host !== undefined && host === this.lastHost) return;
    checkHost(request, this.access);
    this.lastHost = host ?? null;
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<Route> {
    const url = parseUrl(request);
    const restRoute = await this.options.rest.handle(request, response, this.access);
    if (restRoute !== null) return restRoute;
    const udtRoute = await this.options.udt.handle(request, response, url);
    if (udtRoute !== null) return udtRoute;
    const page = await this.pages.handle(request.method ?? '', url.pathname, response);
    if (page !== null) return page;
    if (await this.clientModule.handle(request, response, url.pathname, this.access)) return 'client';
    if (isReplicate(url.pathname)) {
      response.setHeader('Upgrade', 'websocket');
      sendText(response, 426, 'This is where servers open a WebSocket to replicate');
      return 'replicate';
    }
    throw new RejoinError('not-found', `There is nothing at ${url.pathname}`);
  }

  private unready(): string | null {
    if (this.isStopping) return 'The server is stopping';
    const problem = this.options.writingProblem();
    return problem === null ? null : `The store does not take writes: ${problem}`;
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy()); // YJS-10
    const { stream, yjs } = this.options;
    try {
      if (this.isStopping) throw new RejoinError('unavailable', 'The server is shutting down');
      checkHost(request, this.access);
      checkOrigin(request, this.access);
      const target = request.url ?? '';
      const room = parseYjsPath(target);
      if (room !== undefined) {
        this.yjsSockets.handleUpgrade(request, socket, head, (client) => {
          void yjs.accept(this.watched(client, 'yjs'), room);
        });
      } else if (/^\/ws\/?(\?|$)/.test(target)) {
        this.streamSockets.handleUpgrade(request, socket, head, (client) =>
          stream.accept(this.watched(client, 'stream'), socket),
        );
      } else if (isReplicate(target)) {
        this.acceptPeer(request, socket, head);
      } else {
        throw new RejoinError('not-found', `There is no WebSocket at ${target}: use /ws or /yjs/<project>`);
      }
    } catch (error) {
      refuseUpgrade(socket, this.statusFor(error), messageOf(error));
    }
  }

  /** REP-11. What pings these sockets and closes them is theirs: their frames may take minutes over a slow line. */
  private acceptPeer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { peers, peerToken: token, publicUrl, metrics } = this.options;
    const isPublic = publicUrl !== null && !isLoopback(publicUrl.hostname);
    const isReachable = isPublic || !isLoopback(this.access.host);
    checkPeer(request.headers.authorization, { token, isReachable });
    peers.checkRoom();
    const { socket: below } = request;
    const from = below.remoteAddress ?? 'an address that is gone';
    this.peerSockets.handleUpgrade(request, socket, head, (client) => {
      client.on('close', metrics.connected('replicate'));
      peers.accept({ socket: client, below }, from);
    });
  }

  private watched(client: WebSocket, wire: Wire): WebSocket {
    this.options.sockets.add(client);
    client.on('close', this.options.metrics.connected(wire));
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

function isReplicate(target: string): boolean {
  return /^\/replicate\/?(\?|$)/.test(target);
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

/** How long a refused client has to read why. */
const refusedUpgradeMs = 5_000;

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  const body = Buffer.from(message, 'utf8');
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\n${status === 401 ? 'WWW-Authenticate: Bearer\r\n' : ''}Content-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${message}`,
  );
  setTimeout(() => socket.destroy(), refusedUpgradeMs).unref(); // one that stays open would keep the server from ending
}

function printAddress({ address, family, port }: AddressInfo): string {
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
