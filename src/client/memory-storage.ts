// A storage that lasts as long as the page or process: what a client uses unless it is given another, and tests, for
// which it outlives the clients that close it.

import type { Storage, StorageChanges, StoredProject } from './storage.ts';
import { StoredState } from './stored-state.ts';

export class MemoryStorage implements Storage {
  private readonly projects = new Map<string, StoredState>();

  load(project: string): Promise<StoredProject> {
    return Promise.resolve((this.projects.get(project) ?? new StoredState()).stored());
  }

  apply(changes: StorageChanges): Promise<void> {
    const { project } = changes;
    const state = this.projects.get(project) ?? new StoredState();
    this.projects.set(project, state);
    state.apply(changes);
    return Promise.resolve();
  }

  queuedProjects(): Promise<string[]> {
    const queued = [...this.projects].filter(([, state]) => !state.isQueueEmpty);
    return Promise.resolve(queued.map(([project]) => project));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
