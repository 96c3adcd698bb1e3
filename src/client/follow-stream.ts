// A stream for tools, as the server sends it: each message is handed to a function, which may take its time. Nothing is
// kept: what the function can't take yet stays in the socket, or at the server. Resumes by itself after a cut.

import { messageOf, RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { parseProjectId } from '../model/project-id.ts';
import { parseVersionVector, printVersionVector } from '../model/version-vector.ts';
import type { ReadMessage } from '../wire/stream/server-message.ts';
import { Backoff } from './backoff.ts';
import type { ClientEnvironment } from './client-environment.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import type { Place } from './storage.ts';
import { raiseVector } from './stored-state.ts';

export interface FollowOptions {
  /** Exclusive: what is known already. */
  readonly since?: readonly Place[] | undefined;
  /** The kinds to follow; entries, threads and comments if none is named. */
  readonly entries?: boolean | undefined;
  readonly threads?: boolean | undefined;
  readonly comments?: boolean | undefined;
  /** The patches of the `udt` part (WS-23). */
  readonly udt?: boolean | undefined;
}

/** As on the wire, without `mux_id`: `type` is `entry`, `thread`, `comment`, `patch` or `sync`. */
export type FollowedMessage = JsonObject;

/** The next message comes when it has resolved. */
export type FollowHandler = (message: FollowedMessage) => void | Promise<void>;

export interface FollowErrors {
  failed(error: RejoinError): void;
}

/** Few: each may be as large as a frame. */
const waitingMax = 64;

interface Waiting {
  readonly message: Extract<ReadMessage, { type: 'object' | 'patch' | 'sync' }>;
}

export class FollowStream implements ConnectionUser {
  /** Rejects when the stream can't go on: its project is deleted, a handler threw. Resolves when it was closed. */
  readonly ended: Promise<void>;
  private readonly project: string;
  private readonly known: Map<number, number>;
  private readonly kinds: JsonObject;
  private readonly backoff: Backoff;
  private muxId: number | null = null;
  private waiting: Waiting[] = [];
  private isHandling = false;
  /** The server was told to stop, because the socket can't: the stream is opened again when all that waits is handled. */
  private isStopped = false;
  private isOver = false;
  private releaseHold: (() => void) | null = null;
  private cancelWait: () => void = () => undefined;
  private settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  /** @throws RejoinError `bad-request` that names the option. */
  constructor(
    project: string,
    options: FollowOptions,
    private readonly handler: FollowHandler,
    private readonly connection: Connection,
    private readonly environment: ClientEnvironment,
    private readonly errors: FollowErrors,
  ) {
    this.project = parseProjectId(project, 'project');
    this.known = parseVersionVector(options.since ?? [], 'since', 10_000);
    this.kinds = selectorsOf(options);
    this.backoff = new Backoff(environment);
    this.ended = new Promise<void>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.ended.catch(() => undefined); // who awaits it hears of it, and `failed` has told
    connection.add(this);
  }

  /** What was handled: the `since` of one who goes on later. */
  get vector(): Place[] {
    return printVersionVector(this.known);
  }

  connected(): void {
    this.cancelWait();
    if (this.isHandling)
      this.isStopped = true; // what is being handled isn't known yet
    else this.subscribe();
  }

  disconnected(): void {
    this.forget();
  }

  close(): void {
    this.over();
    this.settle?.resolve();
  }

  private subscribe(): void {
    if (this.isOver) return;
    this.isStopped = false;
    const muxId = this.connection.reserve((message) => this.heard(message));
    this.muxId = muxId;
    const request = { type: 'subscribe', mux_id: muxId, project_id: this.project, since: this.vector };
    this.connection.send({ ...request, ...this.kinds });
  }

  private heard(message: ReadMessage): void {
    switch (message.type) {
      case 'object':
      case 'patch':
      case 'sync':
        this.waiting.push({ message });
        this.bound();
        if (!this.isHandling) void this.handle();
        return;
      case 'error':
        this.failed(new RejoinError(message.code, message.message));
        return;
      case 'closed':
      case 'uploaded':
      case 'unknown':
    }
  }

  /** Many messages come in one piece of the network, so some always come after a stop. */
  private bound(): void {
    if (this.waiting.length <= waitingMax) return;
    if (this.connection.canHold) this.releaseHold ??= this.connection.hold();
    else {
      this.leave();
      this.isStopped = true;
    }
  }

  private async handle(): Promise<void> {
    this.isHandling = true;
    for (let next = this.waiting.shift(); next && !this.isOver; next = this.waiting.shift()) {
      try {
        const handled = this.handler(next.message.sent);
        if (handled instanceof Promise) await handled;
      } catch (error) {
        this.fail(error instanceof Error ? error : new Error(messageOf(error)));
        return;
      }
      this.learn(next);
      if (this.waiting.length === 0) this.release();
    }
    this.isHandling = false;
    if (this.isStopped && this.connection.isConnected) this.subscribe();
  }

  private learn({ message }: Waiting): void {
    this.backoff.reset();
    if (message.type === 'sync') raiseVector(this.known, [...message.since]);
    else raiseVector(this.known, [[message.serverId, message.seqno]]);
  }

  private failed(error: RejoinError): void {
    if (error.code === 'deleted' || error.code === 'bad-request') {
      this.fail(error);
      return;
    }
    this.errors.failed(error);
    this.forget();
    this.cancelWait = this.environment.after(this.backoff.next(), () => {
      if (this.connection.isConnected) this.connected();
    });
  }

  private fail(error: Error): void {
    this.over();
    if (error instanceof RejoinError) this.errors.failed(error);
    this.settle?.reject(error);
  }

  private over(): void {
    this.isOver = true;
    this.cancelWait();
    this.leave();
    this.forget();
    this.connection.remove(this);
  }

  /** Tells the server that nothing more is wanted on this mux_id. */
  private leave(): void {
    if (this.muxId === null) return;
    this.connection.send({ type: 'close', mux_id: this.muxId });
    this.connection.release(this.muxId);
    this.muxId = null;
  }

  /** What wasn't handled will come again. */
  private forget(): void {
    if (this.muxId !== null) this.connection.release(this.muxId);
    this.muxId = null;
    this.waiting = [];
    this.release();
  }

  private release(): void {
    this.releaseHold?.();
    this.releaseHold = null;
  }
}

function selectorsOf({ entries, threads, comments, udt }: FollowOptions): JsonObject {
  const named = { entries, threads, comments, udt };
  const isAnyNamed = Object.values(named).some((isWanted) => isWanted === true);
  const wanted = isAnyNamed ? named : { entries: true, threads: true, comments: true };
  return Object.fromEntries(
    Object.entries(wanted)
      .filter(([, isWanted]) => isWanted === true)
      .map(([kind]) => [kind, '*']),
  );
}
