// All projects of a server, and what they share; when the store fails every project starts anew from what is stored.

import { RejoinError, hasCode } from '../errors.ts';
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
import { openProjectsDefaults, type OpenProjects, type OpenProjectsOptions } from './open-projects.ts';
import { Project } from './project.ts';
import { ProjectsInUse } from './projects-in-use.ts';
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

export class Projects {
  readonly context: ProjectContext;
  private readonly inUse: ProjectsInUse;
  /** Ids of those of which the failed store may have more than anybody was told. */
  private readonly uncertain = new Set<string>();
  private readonly recovery: StoreRecovery;
  private readonly lives: Lives;
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
      mayHaveNumbered: (project) => lives.mayHaveNumbered(project),
      numbers: (project) => lives.numbers(project),
      beginAnew: () => lives.beginAnew(),
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
    this.inUse = new ProjectsInUse(environment, { ...openProjectsDefaults, ...memory }, (id) =>
      this.open(id),
    );
  }

  /** Those in memory. */
  get inMemory(): OpenProjects<Project> {
    return this.inUse.inMemory;
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
  acquire(id: string): Promise<{ project: Project; release: () => void }> {
    return this.inUse.acquire(id);
  }

  /** As `use`, with undefined for a project that doesn't exist. A deleted one does. */
  async find<T>(id: string, use: (project: Project | undefined) => Promise<T>): Promise<T> {
    if (!this.inUse.has(id)) {
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
    return this.inUse.has(id);
  }

  /** Does something to what is stored of a project, unless it is open: who asks for it meanwhile waits. It may not ask for it. */
  whileClosed(id: string, work: () => Promise<void>): Promise<void> {
    return this.inUse.whileClosed(id, work);
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
    return this.inUse.count;
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
    for (const project of this.inUse.all) project.udt.end();
    await Promise.allSettled([...this.inUse.all].map((project) => project.flush()));
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
    const used = (project: Project): void => this.inMemory.touch(project);
    return this.reading(async () => {
      const project = await Project.open(id, this.context, { upkeep: this.upkeep, used });
      this.inUse.opened(project);
      return project;
    });
  }

  /** Reads from the store, and again if it is opened again meanwhile. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.recovery.ready();
      const before = this.recovery.changesSoFar;
      try {
        return await read();
      } catch (error) {
        if (!hasCode(error, 'unavailable') || this.recovery.changesSoFar === before) throw error;
      }
    }
  }

  /** From now on every project is written under another server id. */
  private async renewLife(reason: string, left: number): Promise<void> {
    const { observer } = this.context;
    const before = this.lives.current.serverId;
    const isNew = await this.lives.renew(reason, left).catch((cause: unknown) => {
      if (!hasCode(cause, 'outcome-unknown')) throw cause;
      this.recovery.failed(cause);
      // Nothing was numbered: what asked for it may begin again.
      throw new RejoinError('unavailable', 'A new server id could not be written', { cause });
    });
    if (!isNew) return; // whoever was first has done it for all
    this.context.holders.clear();
    const detail = `${reason}. From now on this server writes as ${this.lives.current.serverId}, not as ${before}`;
    observer.observe({ type: 'life-renewed', detail });
    for (const project of this.inUse.all) project.renumber();
  }

  private invalidateAll(): void {
    this.context.holders.clear();
    for (const project of this.inUse.all) {
      project.invalidate();
      this.uncertain.add(project.id);
    }
  }

  /** What failed may be on disk all the same. */
  private readAgain(): void {
    this.invalidateAll();
    for (const project of this.inUse.all) project.refresh();
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
