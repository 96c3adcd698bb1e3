// What a client keeps in a browser, in IndexedDB: one database for all projects, and for all tabs of the page's origin.
// Tabs share the queue: each may send what is in it, for servers store an object once.
/// <reference lib="dom" />

import { openDB, type IDBPDatabase } from 'idb';
import { RejoinError, messageOf } from '../errors.ts';
import { upgrade, type StorageSchema } from './indexeddb-schema.ts';
import { IndexeddbChanges, readProject, storeNames } from './indexeddb-changes.ts';
import type { Storage, StorageChanges, StoredProject } from './storage.ts';

const schemaVersion = 1;

export interface IndexeddbStorageOptions {
  /** Pages of one origin that give the same name share what is stored (default `rejoin`). */
  readonly name?: string;
}

export class IndexeddbStorage implements Storage {
  private readonly database: Promise<IDBPDatabase<StorageSchema>>;
  /** Other tabs, and other storages of this page. */
  private readonly others: BroadcastChannel;
  private readonly inWork = new Set<Promise<void>>();
  /** Why nothing can be stored any more. */
  private failure: RejoinError | null = null;

  constructor({ name = 'rejoin' }: IndexeddbStorageOptions = {}) {
    this.others = new BroadcastChannel(`${name} storage`);
    this.database = this.open(name);
    this.database.catch(() => undefined); // whoever uses it hears of it
  }

  /** @throws RejoinError `unavailable`, `data-newer`. */
  async load(project: string): Promise<StoredProject> {
    const database = await this.usable();
    return translated(() => readProject(database, project));
  }

  /**
   * In one transaction, which the browser is asked to have on the disk before it says that it is done.
   * @throws RejoinError `unavailable` if nothing of it was stored, because there is no room for example; `data-newer`.
   */
  async apply(changes: StorageChanges): Promise<void> {
    const applied = this.store(changes);
    const ended = applied.catch(() => undefined);
    this.inWork.add(ended);
    try {
      await applied;
    } finally {
      this.inWork.delete(ended);
    }
  }

  /** @throws RejoinError `unavailable`, `data-newer`. */
  async queuedProjects(): Promise<string[]> {
    const database = await this.usable();
    return translated(async () => {
      const projects: string[] = [];
      let cursor = await database.transaction('queue').store.openKeyCursor();
      while (cursor) {
        const [project] = cursor.key;
        projects.push(project);
        cursor = await cursor.continue([project, []] as unknown as [string, number]); // behind all of its numbers
      }
      return projects;
    });
  }

  watch(onChanges: (changes: StorageChanges) => void): () => void {
    // Only storages of this version of the schema post here, in pages of the same origin.
    const hear = ({ data }: MessageEvent<StorageChanges>): void => onChanges(data);
    this.others.addEventListener('message', hear);
    return () => this.others.removeEventListener('message', hear);
  }

  async close(): Promise<void> {
    await Promise.all(this.inWork);
    this.failure ??= new RejoinError('unavailable', 'The storage was closed');
    this.others.close();
    const database = await this.database.catch(() => null);
    database?.close();
  }

  private async open(name: string): Promise<IDBPDatabase<StorageSchema>> {
    const database: IDBPDatabase<StorageSchema> = await translated(() =>
      openDB<StorageSchema>(name, schemaVersion, {
        upgrade,
        blocking: () => {
          this.fail('A newer version of this page has opened the stored data: load the page again');
          database.close();
        },
        // What is in memory is all there is: with a database that begins anew, the vector would claim what isn't stored.
        terminated: () => this.fail('The browser has removed or closed the stored data: load the page again'),
      }),
    );
    return database;
  }

  private fail(message: string): void {
    this.failure ??= new RejoinError('unavailable', message);
  }

  private async usable(): Promise<IDBPDatabase<StorageSchema>> {
    const database = await this.database;
    if (this.failure) throw this.failure;
    return database;
  }

  private async store(changes: StorageChanges): Promise<void> {
    const database = await this.usable();
    await translated(async () => {
      const transaction = database.transaction(storeNames, 'readwrite', { durability: 'strict' });
      const done = transaction.done;
      done.catch(() => undefined); // heard of below
      try {
        await new IndexeddbChanges(transaction).write(changes);
      } catch (error) {
        abort(transaction);
        throw error;
      }
      await done;
    });
    // Before the caller hears of it: a page that is closed then has told the others.
    this.others.postMessage(changes);
  }
}

/** All or nothing: what was put before the error goes too. */
function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    return; // it was aborted by the error itself
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'VersionError')
      throw new RejoinError('data-newer', 'The stored data is of a newer version: load the page again', {
        cause,
      });
    throw new RejoinError('unavailable', `The browser's storage failed: ${messageOf(cause)}`, { cause });
  }
}
