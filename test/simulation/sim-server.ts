// A server of the simulation: the real core over a simulated disk. It crashes, starts again and is restored from old copies; it
// has no sockets, its clients call it.

import { Projects } from '../../src/core/projects.ts';
import type { ObservedEvent } from '../../src/core/observer.ts';
import type { Sizes } from '../../src/core/sizes.ts';
import type { Environment } from '../../src/model/environment.ts';
import { readLife, takeNewLife } from '../../src/store/life.ts';
import { removeUnfinishedSessions } from '../../src/store/unfinished-sessions.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import { DiskLog } from './disk-log.ts';
import type { Ledger } from './ledger.ts';
import type { SimClock } from './sim-clock.ts';
import { SimDisk, SimStore, type DiskCopy } from './sim-store.ts';

const startMs = Date.UTC(2026, 0, 1);
const tenYearsMs = 10 * 365 * 24 * 60 * 60 * 1000;

export interface ServerOptions {
  readonly keepUpdatesMs: number;
  readonly sizes: Partial<Sizes>;
}

/** What happens to a server that others must hear of. */
export interface ServerWatcher {
  readonly servers: readonly SimServer[];
  started(server: SimServer): void;
  stopped(server: SimServer): void;
  observed(server: SimServer, event: ObservedEvent): void;
}

/** An old copy of a disk, with what the ledger knew of it. */
export interface ServerCopy {
  readonly disk: DiskCopy;
  readonly log: DiskLog;
}

/** Of a disk that was lost. */
export function emptyCopy(): ServerCopy {
  return { disk: { names: [], entries: new Map() }, log: new DiskLog() };
}

/** One run of a server, from its start to its crash. */
export interface ServerRun {
  readonly projects: Projects;
  readonly store: SimStore;
  readonly environment: Environment;
  /** 16 random bytes. */
  readonly instance: Uint8Array;
  isOver: boolean;
}

export class SimServer {
  /** The present run; null while it is down. */
  run: ServerRun | null = null;
  /** How far its clock is off, milliseconds. */
  private clockOffMs: number;
  private readonly disk: SimDisk;
  private isStarting = false;
  /** Its disk is an old copy: it takes a new life when it starts, as `rejoin restore` does (REP-8). */
  private isCopy = false;
  /**
   * Its disk is an old copy, or that of another server, and nobody has told it so: the server id that the copy has, until another server does (REP-8). Clients stay
   * away meanwhile: what it would number then nobody could tell from what it has lost, or from what its twin numbers.
   */
  private rolledBackId: number | null = null;
  private rolledBackTo: DiskLog | null = null;
  /** Of the newest life that it was seen in; null before the first. */
  private serverId: number | null = null;

  constructor(
    readonly index: number,
    private readonly clock: SimClock,
    private readonly chance: Chance,
    private readonly ledger: Ledger,
    private readonly watcher: ServerWatcher,
    private readonly options: ServerOptions,
  ) {
    this.disk = new SimDisk((batch) => ledger.synced(index, batch));
    this.clockOffMs = chance.pick([0, -tenYearsMs, tenYearsMs]);
  }

  async start(): Promise<void> {
    if (this.run || this.isStarting) return;
    this.isStarting = true;
    this.disk.isFailing = false;
    const store = new SimStore(this.disk, this.clock, this.chance.fork());
    const environment = this.environment(() => run.isOver);
    const run: Omit<ServerRun, 'projects'> = {
      store,
      environment,
      instance: environment.randomBytes(16),
      isOver: false,
    };
    const before = await readLife(store);
    await removeUnfinishedSessions(store);
    const life =
      before && !this.isCopy
        ? before
        : await takeNewLife(store, environment, before ? 'restored from a copy' : 'a new folder');
    const projects = new Projects({
      store,
      life,
      environment,
      observer: { observe: (event) => this.watcher.observed(this, event) },
      // The real time must decide nothing: what leaves memory is a step of the simulation.
      memory: { bytesMax: Infinity, idleMs: Infinity },
      upkeep: { keepUpdatesMs: this.options.keepUpdatesMs, udtHistoryMs: 60 * 60 * 1000 },
      sizes: this.options.sizes,
    });
    this.isStarting = false;
    this.isCopy = false;
    // The copy may be of an earlier life than the one that ended with it.
    if (this.rolledBackTo && this.rolledBackId === null) this.rolledBackId = life.serverId;
    this.serverId = life.serverId;
    projects.listenLives(() => {
      if (!run.isOver) this.serverId = projects.context.life.serverId;
    });
    this.run = Object.assign(run, { projects });
    this.watcher.started(this);
  }

  /** All in memory is gone, and what was not synced. */
  crash(): void {
    const { run } = this;
    if (!run) return;
    this.run = null;
    run.isOver = true;
    run.store.crash();
    run.projects.inMemory.end();
    void run.projects.upkeep.end();
    this.watcher.stopped(this);
  }

  copy(): ServerCopy {
    return { disk: this.disk.copy(), log: this.ledger.disks[this.index]!.copy() };
  }

  /** While it is down. */
  restore({ disk, log }: ServerCopy): void {
    this.disk.restore(disk);
    this.isCopy = true;
    this.rolledBackId = null;
    this.rolledBackTo = null;
    this.ledger.disks[this.index] = log.copy();
  }

  /** As `restore`, but it starts under the server id that it has, if another server knows more of that. @returns whether. */
  rollBack(copy: ServerCopy): boolean {
    const { serverId } = this;
    if (serverId === null || !this.ledger.isKnownElsewhere(this.index, copy.log, serverId)) return false;
    this.crash();
    this.restore(copy);
    this.isCopy = false;
    this.rolledBackTo = copy.log.copy();
    return true;
  }

  /** Its disk is replaced by a byte copy of another server's, and nobody tells it so: they are twins (REP-9). */
  becomeTwin(other: SimServer): void {
    const copy = other.copy();
    this.crash();
    this.restore(copy);
    this.isCopy = false;
    this.rolledBackTo = copy.log.copy();
  }

  /** Whether it lets clients in. */
  get isOpen(): boolean {
    const { rolledBackId, ledger, index } = this;
    if (!this.run) return false;
    if (rolledBackId === null) return true;
    if (this.serverId !== rolledBackId) {
      this.rolledBackId = null; // it was told
      this.rolledBackTo = null;
      return true;
    }
    const own = ledger.disks[index]!;
    if (this.rolledBackTo && own.hasMoreOf(this.rolledBackTo, rolledBackId))
      ledger.fail(`server ${index} took back what it had lost, and keeps its server id ${rolledBackId}`);
    const hasTwin = this.watcher.servers.some((other) => other !== this && other.serverId === rolledBackId);
    if (!hasTwin && !ledger.isKnownElsewhere(index, own, rolledBackId)) {
      // The others have lost it, too, or have left it: nobody can tell it any more.
      this.crash();
      this.isCopy = true;
      this.rolledBackId = null;
      this.rolledBackTo = null;
      this.clock.after(1, () => void this.start());
    }
    return false;
  }

  /** Its clock is set to another time, also backwards. */
  setClock(): void {
    this.clockOffMs += this.chance.pick([-tenYearsMs / 1000, -60_000, -1_000, 1_000, 3_600_000]);
  }

  setSlow(isSlow: boolean): void {
    this.disk.isSlow = isSlow;
  }

  /** Whether its disk takes no writes. */
  setFailing(isFailing: boolean): void {
    this.disk.isFailing = isFailing;
  }

  /** Whether a write failed since it started: some of what it was about to do was not done, and it says so. */
  get hasFailed(): boolean {
    return this.run?.store.hasFailed ?? false;
  }

  /** Ten years off, and set back at times; chance that the seed decides; timers on the simulated clock that end with the run. */
  private environment(isOver: () => boolean): Environment {
    const chance = this.chance.fork();
    return {
      now: () => startMs + this.clockOffMs + Math.floor(this.clock.nowMs),
      randomBytes: (count) => Uint8Array.from({ length: count }, () => chance.integer(0, 255)),
      after: (delayMs, run) =>
        this.clock.after(delayMs, () => {
          if (!isOver()) run();
        }),
    };
  }
}
