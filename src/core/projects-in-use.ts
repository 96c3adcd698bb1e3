// Each project of a server is opened once and shared by those who use it; it stays in memory while there is room for it, and a second
// instance beside it would give numbers twice. Projects says how one is opened.

import type { Environment } from '../model/environment.ts';
import { OpenProjects, type OpenProjectsOptions } from './open-projects.ts';
import type { Project } from './project.ts';

interface Opened {
  readonly project: Promise<Project>;
  users: number;
}

export class ProjectsInUse {
  private readonly entries = new Map<string, Opened>();
  private readonly loaded = new Set<Project>();
  /** Those that nobody may open yet. */
  private readonly keptClosed = new Map<string, Promise<unknown>>();
  /** Those in memory. */
  readonly inMemory: OpenProjects<Project>;

  /** @param open reads a project from the store, and calls `opened` at once. */
  constructor(
    environment: Environment,
    memory: OpenProjectsOptions,
    private readonly open: (id: string) => Promise<Project>,
  ) {
    this.inMemory = new OpenProjects(environment, memory, (project) => this.letGo(project));
  }

  /** How many are open, or being opened. */
  get count(): number {
    return this.entries.size;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** From now on it is one of `all`, and hears when the store fails. */
  opened(project: Project): void {
    this.loaded.add(project);
  }

  /** All that are open. */
  get all(): Iterable<Project> {
    return this.loaded;
  }

  /** The project with this id, until `release` is called. */
  async acquire(id: string): Promise<{ project: Project; release: () => void }> {
    if (!this.entries.has(id)) await this.inMemory.room();
    while (this.keptClosed.has(id)) await this.keptClosed.get(id);
    let entry = this.entries.get(id);
    if (!entry) {
      entry = { project: this.open(id), users: 0 };
      this.entries.set(id, entry);
    }
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
      const project = await taken.project;
      this.inMemory.touch(project);
      return { project, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Does something to what is stored of a project, unless it is open: who asks for it meanwhile waits. */
  async whileClosed(id: string, work: () => Promise<void>): Promise<void> {
    if (this.entries.has(id) || this.keptClosed.has(id)) return;
    const done = work();
    const ended = done.catch(() => undefined); // its caller hears of it
    this.keptClosed.set(id, ended);
    try {
      await done;
    } finally {
      this.keptClosed.delete(id);
    }
  }

  /** A project that nobody uses and that doesn't exist leaves nothing behind; one that failed to open is tried again. */
  private async dropUnused(id: string, entry: Opened): Promise<void> {
    const project = await entry.project.catch(() => undefined);
    if (entry.users > 0) return;
    if (project?.info || project?.isArriving) {
      this.stay(id, entry, project); // also between two slices, over a slow link
      return;
    }
    await project?.flush().catch(() => undefined);
    if (project?.info) return;
    await project?.closeDocument(() => entry.users > 0);
    this.drop(id, entry, project);
  }

  /** It stays while there is room for it. It may have been let go while it was used: then it is looked after again. */
  private stay(id: string, entry: Opened, project: Project): void {
    if (this.entries.get(id) === entry && !this.inMemory.has(project)) this.inMemory.touch(project);
  }

  /** Takes the document out of memory, and the project with it if nobody uses it. */
  private async letGo(project: Project): Promise<void> {
    await project.closeDocument(() => this.inMemory.has(project));
    const entry = this.entries.get(project.id);
    if (!entry || (await entry.project.catch(() => undefined)) !== project) return;
    if (entry.users === 0) await project.flush().catch(() => undefined); // who waits for it hears of it
    this.drop(project.id, entry, project);
  }

  /** Unless somebody uses it, or has left work behind: then it is tried again. */
  private drop(id: string, entry: Opened, project: Project | undefined): void {
    if (entry.users > 0 || this.entries.get(id) !== entry) return;
    if (project?.isIdle === false) {
      if (!this.inMemory.has(project)) this.inMemory.keep(project);
      return;
    }
    this.entries.delete(id);
    if (!project) return;
    this.loaded.delete(project);
    this.inMemory.forget(project);
  }
}
