// All projects of a server: each is opened once and shared by those who use it, and when the store fails it is opened
// again here and every project starts anew from what is stored.

import { setTimeout as sleep } from 'node:timers/promises';
import { RejoinError, messageOf } from '../errors.ts';
import { randomInteger, type Environment } from '../model/environment.ts';
import type { Life } from '../store/life.ts';
import { readProjectInfo } from '../store/project-info.ts';
import type { Store } from '../store/store.ts';
import type { ProjectContext } from './live-log.ts';
import type { Observer } from './observer.ts';
import { Project } from './project.ts';

export interface ProjectsOptions {
  readonly store: Store;
  readonly life: Life;
  readonly environment: Environment;
  readonly observer: Observer;
}

interface Opened {
  readonly project: Promise<Project>;
  users: number;
}

export class Projects {
  readonly context: ProjectContext;
  private readonly opened = new Map<string, Opened>();
  private readonly loaded = new Set<Project>();
  private recovery: Promise<void> | null = null;
  private readonly stopping = new AbortController();
  private isClosed = false;

  constructor(options: ProjectsOptions) {
    this.context = {
      ...options,
      ready: () => this.ready(),
      failed: (cause) => this.recover(cause),
    };
  }

  /**
   * The project with this id, for as long as `use` runs. It need not exist: it comes to life with the first write.
   */
  async use<T>(id: string, use: (project: Project) => Promise<T>): Promise<T> {
    const { project, release } = await this.acquire(id);
    try {
      return await use(project);
    } finally {
      release();
    }
  }

  /** The project with this id, until `release` is called. */
  async acquire(id: string): Promise<{ project: Project; release: () => void }> {
    let entry = this.opened.get(id);
    if (!entry) {
      entry = { project: this.open(id), users: 0 };
      this.opened.set(id, entry);
    }
    const { project } = entry;
    const taken = entry;
    taken.users++;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      taken.users--;
      void this.dropUnused(id, taken);
    };
    try {
      return { project: await project, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** As `use`, with undefined for a project that doesn't exist. A deleted one does. */
  async find<T>(id: string, use: (project: Project | undefined) => Promise<T>): Promise<T> {
    if (!this.opened.has(id)) {
      const info = await this.reading(() => readProjectInfo(this.context.store, id));
      if (!info) return use(undefined);
    }
    return this.use(id, (project) => use(project.info ? project : undefined));
  }

  /** A new, unguessable id: it starts with a letter and is safe in URLs. */
  newId(): string {
    const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
    const pick = (): string => letters.charAt(randomInteger(this.context.environment, 8) % letters.length);
    return 's' + Array.from({ length: 20 }, pick).join('');
  }

  /** For shutting down: resolves when all that was asked for so far is done. A recovery that lasts is given up. */
  async finish(): Promise<void> {
    this.stopping.abort();
    await this.recovery;
    await Promise.allSettled([...this.loaded].map((project) => project.flush()));
  }

  /** Finishes what was accepted, then refuses everything. */
  async close(): Promise<void> {
    await this.finish();
    this.isClosed = true;
  }

  private open(id: string): Promise<Project> {
    return this.reading(async () => {
      const project = await Project.open(id, this.context);
      this.loaded.add(project);
      return project;
    });
  }

  /** Reads from the store, and again if it is opened again meanwhile. */
  private async reading<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.ready();
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof RejoinError && error.code === 'unavailable' && this.recovery)) throw error;
      }
    }
  }

  /** A project that nobody uses and that doesn't exist leaves nothing behind; one that failed to open is tried again. */
  private async dropUnused(id: string, entry: Opened): Promise<void> {
    const project = await entry.project.catch(() => undefined);
    if (entry.users > 0 || project?.info) return;
    // A client that has gone may have left work in the queue: a second instance beside it would give numbers twice.
    await project?.flush().catch(() => undefined);
    if (entry.users > 0 || project?.info) return;
    if (this.opened.get(id) === entry) this.opened.delete(id);
    if (project) this.loaded.delete(project);
  }

  private async ready(): Promise<void> {
    while (this.recovery) await this.recovery;
    if (this.isClosed) throw new RejoinError('unavailable', 'The server is shutting down');
  }

  /** After a failed write LevelDB refuses every further one, and what failed may be on disk all the same. */
  private recover(cause: unknown): void {
    if (this.recovery !== null || this.isClosed) return;
    const { observer, store } = this.context;
    observer.observe({ type: 'store-failed', detail: messageOf(cause) });
    this.recovery = reopen(store, observer, this.stopping.signal).then((isOpen) => {
      this.recovery = null;
      if (!isOpen) {
        this.isClosed = true;
        return;
      }
      observer.observe({ type: 'store-recovered', detail: `${this.loaded.size} projects are read again` });
      for (const project of this.loaded) project.refresh();
    });
    for (const project of this.loaded) project.invalidate();
  }
}

const firstRetryMs = 50;
const lastRetryMs = 5_000;

/** @returns whether the store is open; false if that was given up. */
async function reopen(store: Store, observer: Observer, stopping: AbortSignal): Promise<boolean> {
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, lastRetryMs)) {
    try {
      await store.reopen();
      return true;
    } catch (error) {
      observer.observe({ type: 'store-failed', detail: messageOf(error) });
    }
    await sleep(delayMs, undefined, { signal: stopping }).catch(() => undefined); // it ends early when stopping
    if (stopping.aborted) return false;
  }
}
