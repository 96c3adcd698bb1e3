// All projects of a server: each is opened once and shared by those who use it, and when the store fails every project
// starts anew from what is stored.

import { RejoinError } from '../errors.ts';
import { randomInteger, type Environment } from '../model/environment.ts';
import { takeNewLife, type Life } from '../store/life.ts';
import type { HeadsWitness } from '../store/witnessed-heads.ts';
import { readCataloguePage, type CataloguePage, type CatalogueQuery } from './catalogue.ts';
import { KnownHolders } from './known-holders.ts';
import { Lives } from './lives.ts';
import { readHolders, type HeldMatch } from '../store/holders.ts';
import { readProjectInfo } from '../store/project-info.ts';
import type { Store } from '../store/store.ts';
import { listUnfinishedSessions } from '../store/unfinished-sessions.ts';
import type { ProjectContext } from './project-context.ts';
import { MovedProjects } from './moved-projects.ts';
import type { Observer } from './observer.ts';
import { OpenProjects, openProjectsDefaults, type OpenProjectsOptions } from './open-projects.ts';
import { Project } from './project.ts';
import { SelfChecks } from './self-checks.ts';
import { sizesDefaults, type Sizes } from './sizes.ts';
import { StoreRecovery } from './store-recovery.ts';
import { Upkeep, upkeepDefaults, type UpkeepOptions } from './upkeep.ts';
import { WantedChanges } from './wanted-changes.ts';

export interface ProjectsOptions {
  readonly store: Store;
  readonly life: Life;
  /** Takes a new life in the data folder; without it, in the store alone. */
  readonly takeLife?: ((reason: string) => Promise<Life>) | undefined;
  readonly witness?: HeadsWitness | undefined;
  readonly environment: Environment;
  readonly observer: Observer;
  readonly memory?: Partial<OpenProjectsOptions>;
  readonly upkeep?: Partial<UpkeepOptions>;
  readonly sizes?: Partial<Sizes>;
  /** For so long after a failed write writers wait for the store; then they are refused. */
  readonly writersWaitMs?: number;
}

interface Opened {
  readonly project: Promise<Project>;
  users: number;
}

export class Projects {
  readonly context: ProjectContext;
  private readonly opened = new Map<string, Opened>();
  private readonly loaded = new Set<Project>();
  /** Ids of those of which the failed store may have more than anybody was told. */
  private readonly uncertain = new Set<string>();
  private readonly recovery: StoreRecovery;
  private readonly lives: Lives;
  /** Those in memory. */
  readonly inMemory: OpenProjects<Project>;
  readonly upkeep: Upkeep;
  /** What is wanted back from other servers. */
  readonly wanted: WantedChanges;
  readonly checks: SelfChecks;

  constructor({ writersWaitMs, memory, upkeep, sizes, life, takeLife, ...shared }: ProjectsOptions) {
    const recovery = new StoreRecovery({
      store: shared.store,
      environment: shared.environment,
      observer: shared.observer,
      onFailed: () => this.invalidateAll(),
      onReopened: () => this.readAgain(),
      ...(writersWaitMs !== undefined && { writersWaitMs }),
    });
    this.recovery = recovery;
    this.lives = new Lives(
      life,
      takeLife ?? ((reason) => takeNewLife(shared.store, shared.environment, reason)),
    );
    const { lives } = this;
    const { store, witness, environment } = shared;
    const observer = this.suspecting(shared.observer);
    this.wanted = new WantedChanges(store, environment);
    this.context = {
      ...shared,
      observer,
      sizes: { ...sizesDefaults, ...sizes },
      recovery,
      wanted: this.wanted,
      suspect: (project) => this.checks.suspect(project),
      mayComeBack: (project) => this.checks.isPending(project) || this.wanted.isExpected(project),
      holders: new KnownHolders(),
      heeded: new Set(),
      moved: new MovedProjects(),
      get life() {
        return lives.current;
      },
      renewLife: (reason, left) => this.renewLife(reason, left),
    };
    this.upkeep = new Upkeep(this.context, { ...upkeepDefaults, ...upkeep });
    const { wanted } = this;
    const onChecked = (id: string): Promise<void> =>
      this.use(id, (project) => project.repair.recountDamage());
    const checking = {
      store,
      witness,
      environment,
      observer,
      recovery,
      wanted,
      upkeep: this.upkeep,
      onChecked,
    };
    this.checks = new SelfChecks(checking);
    const inMemory = { ...openProjectsDefaults, ...memory };
    this.inMemory = new OpenProjects(shared.environment, inMemory, (project) => this.letGo(project));
  }

  /** One line that says why nothing can be written at the moment; null if it can (GET /readyz). */
  get writingProblem(): string | null {
    return this.recovery.writingProblem;
  }

  /** Calls back when this server writes under another server id. @returns how to stop listening. */
  listenLives(renewed: () => void): () => void {
    return this.lives.listen(renewed);
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
    if (!this.opened.has(id)) await this.inMemory.room();
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
      const opened = await project;
      this.inMemory.touch(opened);
      return { project: opened, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** As `use`, with undefined for a project that doesn't exist. A deleted one does. */
  async find<T>(id: string, use: (project: Project | undefined) => Promise<T>): Promise<T> {
    if (!this.opened.has(id)) {
      const info = await this.reading(() => readProjectInfo(this.context.store, id));
      if (!info && !(await this.context.witness?.heads(id))) return use(undefined);
    }
    return this.use(id, (project) => use(project.info ? project : undefined));
  }

  /** A page of the catalogue. */
  list(query: CatalogueQuery): Promise<CataloguePage> {
    return this.reading(() => readCataloguePage(this.context.store, query));
  }

  isOpen(id: string): boolean {
    return this.opened.has(id);
  }

  /**
   * The projects that hold objects of a report or a topic, in the order of their ids; deleted ones don't count. Who waits for
   * one to come to life calls `onceKnown` before, so that none is missed.
   */
  async projectsOf(match: HeldMatch): Promise<string[]> {
    const found = await this.reading(() => this.holdersOf(match));
    if (found.length > 0) return found;
    await this.upkeep.indexAll(); // an older release has noted none
    return this.reading(() => this.holdersOf(match));
  }

  /** Calls back once, when an object of this report or topic becomes durable in any project. @returns how to take that back. */
  onceKnown(match: HeldMatch, wake: () => void): () => void {
    return this.context.holders.onceKnown(match, wake);
  }

  private async holdersOf(match: HeldMatch): Promise<string[]> {
    const { store } = this.context;
    const projects: string[] = [];
    for (const id of await readHolders(store, match)) {
      const info = await readProjectInfo(store, id);
      if (info && !info.tombstone) projects.push(id);
    }
    return projects;
  }

  /** How many projects are open. */
  get openCount(): number {
    return this.opened.size;
  }

  /** A new, unguessable id: it starts with a letter and is safe in URLs. */
  newId(): string {
    const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
    const pick = (): string => letters.charAt(randomInteger(this.context.environment, 8) % letters.length);
    return 's' + Array.from({ length: 20 }, pick).join('');
  }

  /** For shutting down: resolves when all that was asked for so far is done. A recovery that lasts is given up. */
  async finish(): Promise<void> {
    this.inMemory.end();
    await this.recovery.stop();
    const checked = this.checks.end(); // before the background work ends: it waits for some of it
    await this.upkeep.end();
    await checked;
    for (const project of this.loaded) project.udt.end();
    await Promise.allSettled([...this.loaded].map((project) => project.flush()));
  }

  /** Finishes what was accepted, then refuses everything. */
  async close(): Promise<void> {
    await this.finish();
    this.recovery.close();
  }

  /** Whatever damage is told of leads to a check of the project. */
  private suspecting(observer: Observer): Observer {
    return {
      observe: (event) => {
        observer.observe(event);
        if (event.type === 'damage') this.checks.suspect(event.project);
      },
      wrote: (changes) => observer.wrote?.(changes),
    };
  }

  private open(id: string): Promise<Project> {
    return this.reading(async () => {
      const project = await Project.open(id, this.context, {
        upkeep: this.upkeep,
        used: (used) => this.inMemory.touch(used),
      });
      this.loaded.add(project);
      return project;
    });
  }

  /** Reads from the store, and again if it is opened again meanwhile. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.recovery.ready();
      try {
        return await read();
      } catch (error) {
        const isUnavailable = error instanceof RejoinError && error.code === 'unavailable';
        if (!(isUnavailable && this.recovery.isReopening)) throw error;
      }
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
    if (this.opened.get(id) === entry && !this.inMemory.has(project)) this.inMemory.touch(project);
  }

  /** Takes the document out of memory, and the project with it if nobody uses it. */
  private async letGo(project: Project): Promise<void> {
    await project.closeDocument(() => this.inMemory.has(project));
    const entry = this.opened.get(project.id);
    if (!entry || (await entry.project.catch(() => undefined)) !== project) return;
    if (entry.users === 0) await project.flush().catch(() => undefined); // who waits for it hears of it
    this.drop(project.id, entry, project);
  }

  /** Unless somebody uses it, or has left work behind: a second instance beside that would give numbers twice. */
  private drop(id: string, entry: Opened, project: Project | undefined): void {
    if (entry.users > 0 || this.opened.get(id) !== entry || project?.isIdle === false) return;
    this.opened.delete(id);
    if (!project) return;
    this.loaded.delete(project);
    this.inMemory.forget(project);
  }

  /** From now on every project is written under another server id. */
  private async renewLife(reason: string, left: number): Promise<void> {
    const { observer } = this.context;
    const before = this.lives.current.serverId;
    if (!(await this.lives.renew(reason, left))) return; // whoever was first has done it for all
    this.context.holders.clear();
    const detail = `${reason}. From now on this server writes as ${this.lives.current.serverId}, not as ${before}`;
    observer.observe({ type: 'life-renewed', detail });
    for (const project of this.loaded) project.renumber();
  }

  private invalidateAll(): void {
    this.context.holders.clear();
    for (const project of this.loaded) {
      project.invalidate();
      this.uncertain.add(project.id);
    }
  }

  /** What failed may be on disk all the same. */
  private readAgain(): void {
    this.invalidateAll();
    for (const project of this.loaded) project.refresh();
    const uncertain = [...this.uncertain];
    this.uncertain.clear();
    for (const id of uncertain) this.context.moved.tell(id);
    void this.removeUnfinished();
  }

  /** Of sessions whose creation the failure has cut off nothing stays: who opens one has it removed. */
  private async removeUnfinished(): Promise<void> {
    try {
      for (const id of await listUnfinishedSessions(this.context.store))
        await this.use(id, () => Promise.resolve());
    } catch {
      // The store has failed again, and will be opened again; or the server stops, and its next start removes them.
    }
  }
}
