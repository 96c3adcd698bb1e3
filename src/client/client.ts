// The client library: one connection to a server, several projects over it, a storage under them. Works without a
// connection and catches up when there is one.

import { RejoinError } from '../errors.ts';
import { parseProjectId } from '../model/project-id.ts';
import { realClientEnvironment, type ClientEnvironment } from './client-environment.ts';
import { Listeners, type ClientEvents, type ClientStatus, type RefusedWrite } from './client-events.ts';
import { ClientProject } from './client-project.ts';
import { Connection } from './connection.ts';
import { Deferred } from './deferred.ts';
import { FollowStream, type FollowHandler, type FollowOptions } from './follow-stream.ts';
import { MemoryStorage } from './memory-storage.ts';
import { closed, ProjectSync } from './project-sync.ts';
import { streamUrl } from './server-url.ts';
import { platformSocket, type SocketConstructor } from './socket.ts';
import type { ObjectKey, Storage, StorageChanges } from './storage.ts';

export interface ClientOptions {
  /** Handed to the server with each connection. */
  readonly token?: string | undefined;
  /** What the author of what is written goes by: others see it in rows, conflicts and comments. Nobody checks it. */
  readonly author?: string | undefined;
  /** What is kept over restarts; by default nothing is. The client closes it. */
  readonly storage?: Storage | undefined;
  /** Instead of the platform's WebSocket, or of the package `ws` in Node. */
  readonly WebSocket?: SocketConstructor | undefined;
  /** As `on('error', …)`, from the beginning. */
  readonly onError?: ((error: RejoinError) => void) | undefined;
  /** The clock, chance and timers, for tests. */
  readonly environment?: ClientEnvironment | undefined;
}

/**
 * Makes a client of a server, which connects by itself, now and whenever it was cut off.
 * @param url `http(s)://host:port` or `ws(s)://host:port`, with or without `/ws`.
 * @throws RejoinError `usage` if it is no address.
 */
export function connect(url: string | URL, options: ClientOptions = {}): Client {
  return new Client(streamUrl(url, options.token), options);
}

export class Client {
  private readonly environment: ClientEnvironment;
  private readonly storage: Storage;
  private readonly listeners = new Listeners<ClientEvents>();
  private readonly connection: Connection;
  private readonly syncs = new Map<string, ProjectSync>();
  private readonly projects = new Map<string, ClientProject>();
  private readonly follows = new Set<FollowStream>();
  private readonly author: string | undefined;
  private readonly unwatch: () => void;
  private readonly opened: Promise<void>;
  private flushing: Deferred | null = null;
  private told: ClientStatus;
  private isOpened = false;
  private isClosed = false;
  private closing: Promise<void> | null = null;

  /** Use `connect`. @param url of the stream protocol. */
  constructor(url: string, options: ClientOptions) {
    this.environment = options.environment ?? realClientEnvironment;
    this.storage = options.storage ?? new MemoryStorage();
    this.author = options.author;
    if (options.onError) this.on('error', options.onError);
    const { WebSocket } = options;
    this.connection = new Connection({
      url,
      environment: this.environment,
      socketConstructor: () => (WebSocket ? Promise.resolve(WebSocket) : platformSocket()),
      onState: () => this.stateChanged(),
      onError: (error) => this.listeners.tell('error', error),
    });
    this.told = this.status;
    this.unwatch = this.storage.watch?.((changes) => this.foreign(changes)) ?? ((): void => undefined);
    this.opened = this.openQueued();
  }

  get status(): ClientStatus {
    const syncs = [...this.syncs.values()];
    const { isConnected, isOffline, problem } = this.connection;
    return {
      connected: isConnected,
      caughtUp: isConnected && syncs.every((sync) => !sync.isWanted || sync.isCurrent),
      offline: isOffline,
      pending: syncs.reduce((sum, sync) => sum + sync.pending, 0),
      problem: isConnected ? null : problem,
    };
  }

  /** @returns takes the listener off again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.listeners.add(name, listener);
  }

  /**
   * A project, which is kept current from now on; always the same object for the same id.
   * @throws RejoinError `bad-request` if there can be no such project.
   */
  project(name: string): ClientProject {
    const id = parseProjectId(name, 'id');
    const known = this.projects.get(id);
    if (known) return known;
    if (this.isClosed) throw closed();
    const sync = this.syncOf(id);
    const project = new ClientProject(id, sync, this.environment, this.author);
    this.projects.set(id, project);
    sync.follow();
    return project;
  }

  /**
   * Resolves when nothing waits to be sent any more, in any project: the server has all that was written, but for what it
   * refused.
   * @throws RejoinError `unavailable` if the client is closed before.
   */
  async flushed(): Promise<void> {
    await this.opened;
    await Promise.all([...this.syncs.values()].map((sync) => sync.loaded.promise));
    if (this.status.pending === 0) return;
    if (this.isClosed) throw closed();
    this.flushing ??= new Deferred();
    await this.flushing.promise;
  }

  /** The writes that the server will not take, of the projects that are open here. */
  refused(): RefusedWrite[] {
    return [...this.syncs].flatMap(([project, sync]) =>
      [...sync.data.refused.values()].map((object) => ({ project, ...object })),
    );
  }

  /** Forgets a refused write. Resolves when that is stored. */
  async discard({ project, kind, versionUuid }: ObjectKey & { readonly project: string }): Promise<void> {
    await this.syncs.get(project)?.discard([{ kind, versionUuid }]);
  }

  /**
   * Streams a project as the server sends it, with nothing kept here. While the handler is busy the server waits, and
   * with it, in Node, all else on this connection.
   * @throws RejoinError `bad-request` that names the option.
   */
  follow(project: string | ClientProject, options: FollowOptions, onMessage: FollowHandler): FollowStream {
    if (this.isClosed) throw closed();
    const id = typeof project === 'string' ? project : project.id;
    const stream = new FollowStream(id, options, onMessage, this.connection, this.environment, {
      failed: (error) => this.listeners.tell('error', error),
    });
    this.follows.add(stream);
    void stream.ended.catch(() => undefined).then(() => this.follows.delete(stream));
    return stream;
  }

  /** Ends the client. Nothing is lost: what wasn't sent stays in the storage. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    this.isClosed = true;
    for (const stream of this.follows) stream.close();
    this.connection.end();
    this.unwatch();
    await this.opened;
    await Promise.all([...this.syncs.values()].map((sync) => sync.end()));
    this.flushing?.reject(closed());
    await this.storage.close();
  }

  private syncOf(project: string): ProjectSync {
    const known = this.syncs.get(project);
    if (known) return known;
    const sync = new ProjectSync(project, {
      connection: this.connection,
      storage: this.storage,
      environment: this.environment,
      onState: () => this.stateChanged(),
      onRefused: (id, objects) => {
        for (const object of objects) this.listeners.tell('refused', { project: id, ...object });
      },
      onError: (error) => this.listeners.tell('error', error),
    });
    this.syncs.set(project, sync);
    return sync;
  }

  /** What waits in projects that nobody opens is sent too. */
  private async openQueued(): Promise<void> {
    try {
      for (const project of await this.storage.queuedProjects()) this.syncOf(project);
    } catch (error) {
      const message = `The client's storage can't be read: ${String(error)}`;
      const failure =
        error instanceof RejoinError ? error : new RejoinError('unavailable', message, { cause: error });
      this.listeners.tell('error', failure);
    }
    this.isOpened = true;
    this.stateChanged();
  }

  private foreign(changes: StorageChanges): void {
    const isKnown = this.syncs.has(changes.project);
    if (isKnown || changes.queued) this.syncOf(changes.project).foreign(changes);
  }

  private stateChanged(): void {
    const { status, told } = this;
    if (status.pending === 0 && this.isOpened) {
      this.flushing?.resolve();
      this.flushing = null;
    }
    const names = Object.keys(status) as (keyof ClientStatus)[];
    if (names.every((name) => status[name] === told[name])) return;
    this.told = status;
    this.listeners.tell('status', status);
  }
}
