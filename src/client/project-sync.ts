// One project of a client: moves what is written to the storage, then to the server, and what the server streams to the
// storage, then to the views. One per project, whether or not the application has opened it.

import { messageOf, RejoinError } from '../errors.ts';
import type { ClientEnvironment } from './client-environment.ts';
import { Listeners, type ProjectChange, type ProjectEvents } from './client-events.ts';
import type { Connection } from './connection.ts';
import { Deferred } from './deferred.ts';
import { ProjectData } from './project-data.ts';
import { ProjectStream, type ReceivedPage } from './project-stream.ts';
import type { KeptObject, ObjectKey, RefusedObject, Storage, StorageChanges } from './storage.ts';
import { UploadQueue } from './upload-queue.ts';

export interface SyncOptions {
  readonly connection: Connection;
  readonly storage: Storage;
  readonly environment: ClientEnvironment;
  /** Is told when `pending` or `isCurrent` may have changed. */
  readonly onState: () => void;
  readonly onRefused: (project: string, objects: readonly RefusedObject[]) => void;
  readonly onError: (error: RejoinError) => void;
}

export class ProjectSync {
  readonly data = new ProjectData();
  readonly listeners = new Listeners<ProjectEvents>();
  /** What is stored is loaded. */
  readonly loaded = new Deferred();
  /** The history was complete once. */
  readonly synced = new Deferred();
  /** Whether all is here that the server had, and what follows will be told. */
  isCurrent = false;
  private readonly uploads: UploadQueue;
  private stream: ProjectStream | null = null;
  private turn: Promise<void> = Promise.resolve();
  private isFollowed = false;
  /** The project was deleted: nothing more will come. */
  private isGone = false;
  private isEnded = false;
  /** Before what is stored is loaded, what other clients of the storage do has to wait. */
  private readonly untold: StorageChanges[] = [];
  private readonly storing = new Set<Promise<void>>();

  constructor(
    readonly project: string,
    private readonly options: SyncOptions,
  ) {
    this.uploads = new UploadQueue(project, options.connection, options.environment, {
      acknowledged: (objects) => this.acknowledged(objects),
      refused: (objects) => this.refused(objects),
      failed: options.onError,
    });
    void this.load();
  }

  get pending(): number {
    return this.data.queue.size;
  }

  /** Whether it is to be current. */
  get isWanted(): boolean {
    return this.isFollowed && !this.isGone;
  }

  /** Keeps the project current from now on. */
  follow(): void {
    if (this.isFollowed) return;
    this.isFollowed = true;
    this.options.onState();
    void this.loaded.promise.then(() => this.openStream()).catch(() => undefined); // `ready` tells
  }

  /** Shows an object at once, and resolves when it is in the queue for good. */
  async write(object: KeptObject): Promise<void> {
    if (this.isEnded) throw closed();
    this.changed(this.data.apply({ queued: [object] }));
    try {
      await this.store({ queued: [object] });
    } catch (error) {
      this.changed(this.data.withdraw(object));
      throw error;
    }
    if (!this.data.isReceived(object)) this.uploads.add([object]); // another client may have been quicker
  }

  /** Forgets refused writes. */
  async discard(keys: readonly ObjectKey[]): Promise<void> {
    await this.store({ discarded: keys });
    this.data.apply({ discarded: keys });
  }

  /** Takes what another client of the storage has stored. */
  foreign(changes: StorageChanges): void {
    if (this.loaded.isSettled) this.take(changes);
    else this.untold.push(changes);
  }

  /** Resolves when nothing is on its way to the storage. */
  async end(): Promise<void> {
    this.isEnded = true;
    this.uploads.end();
    await this.stream?.end();
    await Promise.allSettled(this.storing);
    if (!this.synced.isSettled) this.synced.reject(closed());
    if (!this.loaded.isSettled) this.loaded.reject(closed());
  }

  private async load(): Promise<void> {
    try {
      const stored = await this.options.storage.load(this.project);
      if (this.loaded.isSettled) return; // closed meanwhile
      this.data.load(stored);
      this.uploads.add([...this.data.queue.values()]);
    } catch (error) {
      const failure = asStorageError(error);
      this.loaded.reject(failure);
      this.synced.reject(failure);
      this.options.onError(failure);
      return;
    }
    this.loaded.resolve();
    for (const changes of this.untold.splice(0)) this.take(changes);
    this.options.onState();
  }

  private take(changes: StorageChanges): void {
    const { received = [], queued = [], refused = [] } = changes;
    this.changed(this.data.apply(changes));
    this.uploads.remove([...received, ...refused]);
    this.uploads.add(queued.filter((object) => this.data.isPending(object.kind, object.versionUuid)));
    if (refused.length > 0) this.options.onRefused(this.project, refused);
  }

  private openStream(): void {
    if (this.isEnded) return;
    this.stream = new ProjectStream(this.project, this.options.connection, this.options.environment, {
      vector: () => this.data.vector,
      received: (page) => this.received(page),
      interrupted: () => {
        this.isCurrent = false;
        this.options.onState();
      },
      failed: (error) => {
        if (error.code === 'deleted') this.gone(error);
        this.options.onError(error);
      },
    });
  }

  private gone(error: RejoinError): void {
    this.isGone = true;
    if (!this.synced.isSettled) this.synced.reject(error);
    this.options.onState();
  }

  private received(page: ReceivedPage): Promise<void> {
    return this.inTurn(async () => {
      const { vector, isSynced } = page;
      const received = this.data.merged(page.objects);
      const isKnown = vector.every(([serverId, seqno]) => (this.data.vector.get(serverId) ?? -1) >= seqno);
      if (received.length > 0 || !isKnown) {
        await this.store({ received, vector });
        this.uploads.remove(received);
        this.changed(this.data.apply({ received, vector }));
      }
      if (!isSynced) return;
      this.isCurrent = true;
      this.synced.resolve();
      this.options.onState();
    });
  }

  private acknowledged(objects: readonly KeptObject[]): Promise<void> {
    return this.inTurn(async () => {
      const received = objects
        .filter((object) => !this.data.isReceived(object))
        .map((object) => ({ ...object, places: [] }));
      if (received.length === 0) return;
      await this.store({ received });
      this.changed(this.data.apply({ received }));
    });
  }

  /** One after the other, so that what is stored is what is known: an acknowledgement may overtake a page. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined); // the caller hears of it
    return done;
  }

  private async refused(objects: readonly RefusedObject[]): Promise<void> {
    await this.store({ refused: objects });
    this.changed(this.data.apply({ refused: objects }));
    this.options.onRefused(this.project, objects);
  }

  /** @throws RejoinError `unavailable` if the storage can't. */
  private async store(changes: Omit<StorageChanges, 'project'>): Promise<void> {
    const stored = this.options.storage.apply({ project: this.project, ...changes });
    this.storing.add(stored);
    try {
      await stored;
    } catch (error) {
      throw asStorageError(error);
    } finally {
      this.storing.delete(stored);
    }
  }

  private changed(change: ProjectChange | null): void {
    if (!change) return;
    this.listeners.tell('change', change);
    this.options.onState();
  }
}

export function closed(): RejoinError {
  return new RejoinError('unavailable', 'The client was closed');
}

function asStorageError(error: unknown): RejoinError {
  if (error instanceof RejoinError) return error;
  return new RejoinError('unavailable', `The client's storage failed: ${messageOf(error)}`, { cause: error });
}
