// The one socket of a client: opened again whenever it is cut, shared by all streams and uploads, each of which has a
// mux_id of its own on it.

import { messageOf, RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { readServerMessage, type ReadMessage } from '../wire/stream/server-message.ts';
import { Backoff } from './backoff.ts';
import type { ClientEnvironment } from './client-environment.ts';
import { LiveSocket } from './live-socket.ts';
import { hasNoNetwork, watchNetwork } from './network-events.ts';
import type { ClientSocket, SocketConstructor } from './socket.ts';

/** What needs the server: told when it can be asked, and when all that was asked is forgotten. */
export interface ConnectionUser {
  connected(): void;
  disconnected(): void;
}

export type MuxHandler = (message: Exclude<ReadMessage, { readonly type: 'unknown' }>) => void;

export interface ConnectionOptions {
  readonly url: string;
  readonly environment: ClientEnvironment;
  /** Finds the WebSocket to use. */
  readonly socketConstructor: () => Promise<SocketConstructor>;
  /** Is told when `isConnected`, `isOffline` or `problem` may have changed. */
  readonly onState: () => void;
  readonly onError: (error: RejoinError) => void;
}

/** A connection that ends sooner is no sign that all is well, however much was heard on it. */
const shortLifeMs = 5_000;

export class Connection {
  /** Why there is no connection, in words; null while nothing is wrong. */
  problem: string | null = null;
  private readonly backoff: Backoff;
  private readonly users = new Set<ConnectionUser>();
  private readonly handlers = new Map<number, MuxHandler>();
  private readonly unwatchNetwork: () => void;
  private live: LiveSocket | null = null;
  private isEnded = false;
  private areUsersConnected = false;
  private hasFailed = false;
  /** Whether the last one that could be used ended soon. */
  private wasShort = false;
  private hasNoNetwork = hasNoNetwork();
  private muxIdsTaken = 0;
  private holds = 0;
  private cancelWait: (() => void) | null = null;

  constructor(private readonly options: ConnectionOptions) {
    this.backoff = new Backoff(options.environment);
    this.unwatchNetwork = watchNetwork((hasNetwork) => this.networkChanged(hasNetwork));
    void this.open();
  }

  get isConnected(): boolean {
    return this.live?.isOpen === true;
  }

  get isOffline(): boolean {
    return !this.isConnected && (this.hasFailed || this.hasNoNetwork);
  }

  /** Whether `hold` keeps the socket from being read. */
  get canHold(): boolean {
    return this.live?.socket.pause !== undefined;
  }

  /** From now on it is told when there is a connection, and at once if there is one. */
  add(user: ConnectionUser): void {
    this.users.add(user);
    if (this.areUsersConnected) user.connected();
  }

  remove(user: ConnectionUser): void {
    this.users.delete(user);
  }

  /** Reserves a mux_id, whose messages are handed to the handler until `release` or the end of the connection. */
  reserve(handler: MuxHandler): number {
    const muxId = ++this.muxIdsTaken;
    this.handlers.set(muxId, handler);
    return muxId;
  }

  release(muxId: number): void {
    this.handlers.delete(muxId);
  }

  /** Sends a message; nothing without a connection: users are told when there is a new one. */
  send(message: JsonObject): void {
    if (this.live?.isOpen === true) this.live.socket.send(JSON.stringify(message));
  }

  /** Reads nothing more until all holds are released, where the socket can. @returns releases it, once. */
  hold(): () => void {
    if (this.holds++ === 0) this.live?.socket.pause?.();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.holds === 0) this.live?.socket.resume?.();
    };
  }

  /** Cuts the socket, if any, and opens another one when it is time. */
  restart(problem: string): void {
    this.live?.drop(problem);
  }

  end(): void {
    this.isEnded = true;
    this.unwatchNetwork();
    this.cancelWait?.();
    this.live?.leave();
  }

  private async open(): Promise<void> {
    this.cancelWait = null;
    let socket: ClientSocket;
    try {
      const Socket = await this.options.socketConstructor();
      if (this.hasEnded()) return;
      socket = new Socket(this.options.url);
    } catch (error) {
      this.lost(messageOf(error));
      return;
    }
    this.live = new LiveSocket(socket, this.options.environment, {
      isHeld: () => this.holds > 0,
      opened: () => this.opened(socket),
      heard: (data) => this.heard(data),
      closed: (problem, usedMs) => {
        if (usedMs !== null) this.used(usedMs);
        this.lost(problem);
      },
    });
  }

  private opened(socket: ClientSocket): void {
    this.hasFailed = false;
    this.problem = null;
    if (this.holds > 0) socket.pause?.();
    const users = [...this.users]; // who comes while the state is told is told by `add`
    this.areUsersConnected = true;
    this.options.onState();
    for (const user of users) if (this.isConnected && this.users.has(user)) user.connected();
  }

  private heard(data: unknown): void {
    let message: ReadMessage;
    try {
      message = readServerMessage(data);
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      this.options.onError(error);
      this.restart(error.message);
      return;
    }
    if (message.type === 'unknown') return;
    const handler = typeof message.muxId === 'number' ? this.handlers.get(message.muxId) : undefined;
    if (handler) handler(message);
    else if (message.type === 'error' && message.muxId === undefined)
      this.options.onError(new RejoinError(message.code, message.message));
  }

  /**
   * A connection on which something was heard is at its end: some accept one only to close it. After a cut the first wait
   * is short; but what is cut again and again, each time soon, may be cut for what is said on it.
   */
  private used(forMs: number): void {
    const isShort = forMs < shortLifeMs;
    if (!isShort || !this.wasShort) this.backoff.reset();
    this.wasShort = isShort;
  }

  private lost(problem: string): void {
    const wereUsersConnected = this.areUsersConnected;
    this.areUsersConnected = false;
    this.live = null;
    this.handlers.clear();
    if (!this.isEnded) {
      this.hasFailed = true;
      this.problem = problem;
    }
    if (wereUsersConnected) for (const user of [...this.users]) user.disconnected();
    if (this.isEnded) return;
    this.cancelWait = this.options.environment.after(this.backoff.next(), () => void this.open());
    this.options.onState();
  }

  private networkChanged(hasNetwork: boolean): void {
    this.hasNoNetwork = !hasNetwork;
    if (this.live?.isOpen === true) this.live.suspect();
    else if (hasNetwork) {
      this.live?.drop(); // what was begun without a network may take long to fail
      this.backoff.reset();
      if (this.cancelWait) {
        this.cancelWait();
        void this.open();
      }
    }
    this.options.onState();
  }

  /** A method, because it changes while `open` waits. */
  private hasEnded(): boolean {
    return this.isEnded;
  }
}
