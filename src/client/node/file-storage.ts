// The storage of clients in Node: a folder of files, which one process has at a time. `rejoin/client/node` exports it.

import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, RejoinError } from '../../errors.ts';
import { realClientEnvironment, type ClientEnvironment } from '../client-environment.ts';
import type { Storage, StorageChanges, StoredProject } from '../storage.ts';
import { LockFile } from './lock-file.ts';
import { ProjectFiles, type ProjectPaths } from './project-files.ts';

const queueEnding = '.queue';

/**
 * Opens a folder to keep what clients know and what they have written, and makes it if there is none. Close it before
 * another process opens it; a client that was given it closes it.
 * @throws RejoinError `data-in-use` that names the process that has it, `data-unusable`, `damaged`.
 */
export async function openFileStorage(
  folder: string,
  environment: Pick<ClientEnvironment, 'uuid'> = realClientEnvironment,
): Promise<Storage> {
  try {
    await mkdir(folder, { recursive: true });
    const lock = await LockFile.take(folder, environment.uuid());
    try {
      return await FileStorage.open(folder, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof RejoinError) throw cause;
    throw new RejoinError('data-unusable', `The folder ${folder} can't be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}

class FileStorage implements Storage {
  private readonly projects = new Map<string, Promise<ProjectFiles>>();
  /** Nothing may touch the files when others may have them. */
  private readonly inWork = new Set<Promise<unknown>>();
  private isClosed = false;

  private constructor(
    private readonly folder: string,
    private readonly lock: LockFile,
  ) {}

  /** Reads the queues of all projects. */
  static async open(folder: string, lock: LockFile): Promise<FileStorage> {
    const storage = new FileStorage(folder, lock);
    for (const name of await readdir(folder)) {
      if (!name.endsWith(queueEnding)) continue;
      const files = await ProjectFiles.open(pathsOf(folder, name.slice(0, -queueEnding.length)));
      if (!files) continue;
      if (files.isQueueEmpty) await files.close();
      else storage.projects.set(files.project, Promise.resolve(files));
    }
    return storage;
  }

  load(project: string): Promise<StoredProject> {
    return this.untilDone(this.filesOf(project).then((files) => files.load()));
  }

  apply({ project, ...changes }: StorageChanges): Promise<void> {
    return this.untilDone(this.filesOf(project).then((files) => files.apply(changes)));
  }

  async queuedProjects(): Promise<string[]> {
    const files = await Promise.all(this.projects.values());
    return files.filter(({ isQueueEmpty }) => !isQueueEmpty).map(({ project }) => project);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await Promise.allSettled(this.inWork);
    try {
      for (const opened of await Promise.allSettled(this.projects.values()))
        if (opened.status === 'fulfilled') await opened.value.close();
    } finally {
      await this.lock.release();
    }
  }

  /** Keeps the storage from closing meanwhile. */
  private async untilDone<T>(work: Promise<T>): Promise<T> {
    this.inWork.add(work);
    try {
      return await work;
    } finally {
      this.inWork.delete(work);
    }
  }

  private filesOf(project: string): Promise<ProjectFiles> {
    if (this.isClosed) return Promise.reject(new RejoinError('unavailable', 'The storage was closed'));
    const known = this.projects.get(project);
    if (known) return known;
    const opened = this.open(project);
    this.projects.set(project, opened);
    opened.catch(() => this.projects.delete(project)); // the next call tries again
    return opened;
  }

  private async open(project: string): Promise<ProjectFiles> {
    const files = await ProjectFiles.open(pathsOf(this.folder, nameOf(project)), project);
    if (!files) throw new RejoinError('internal', `The files of ${project} were not opened`);
    return files;
  }
}

/** Not the id itself, which may be too long, or differ from another in case alone. */
function nameOf(project: string): string {
  return createHash('sha256').update(project).digest('hex').slice(0, 40);
}

function pathsOf(folder: string, name: string): ProjectPaths {
  return { received: join(folder, `${name}.received`), queue: join(folder, `${name}${queueEnding}`) };
}
