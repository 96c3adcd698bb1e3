// Whoever meets damage of a project has all of it checked in the background: what can be mended is, and what is lost is noted, so
// that other servers are asked for it without an operator. Projects makes one for all.

import { hasCode, isStoreFailure, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { listProjectIds } from '../store/project-info.ts';
import type { Store } from '../store/store.ts';
import { verifyProject } from '../store/verify.ts';
import type { HeadsWitness } from '../store/witnessed-heads.ts';
import type { Observer } from './observer.ts';
import { SerialQueue } from './serial-queue.ts';
import type { StoreRecovery } from './store-recovery.ts';
import type { Upkeep } from './upkeep.ts';
import type { WantedChanges } from './wanted-changes.ts';

export interface SelfChecksOptions {
  readonly store: Store;
  readonly witness?: HeadsWitness | undefined;
  readonly environment: Environment;
  readonly observer: Observer;
  readonly recovery: StoreRecovery;
  readonly upkeep: Upkeep;
  readonly wanted: WantedChanges;
  /** What can be mended is. */
  readonly onChecked: (project: string) => Promise<void>;
}

/** A project that is checked all the time would keep the disk busy. */
const checkEveryMs = 10 * 60_000;

/** So often a check that a failing store has interrupted looks whether the store is well again. */
const againMs = 5_000;

export class SelfChecks {
  private readonly queue = new SerialQueue();
  private readonly stopping = new AbortController();
  /** When each was checked last; null while it waits for that. */
  private readonly checkedMs = new Map<string, number | null>();
  /** Of those that wait for the store to be well. */
  private readonly cancels = new Set<() => void>();

  constructor(private readonly options: SelfChecksOptions) {}

  /** Something of the project is damaged or missing. */
  suspect(project: string): void {
    if (this.wasEnded()) return;
    const checkedMs = this.checkedMs.get(project);
    if (checkedMs === null) return;
    const passedMs = this.options.environment.now() - (checkedMs ?? -Infinity);
    if (passedMs >= 0 && passedMs < checkEveryMs) return; // whoever meets it again says so again
    this.checkedMs.set(project, null);
    void this.queue.run(() => this.check(project));
  }

  /** Checks a project, then does something while no check is made. What goes wrong with the check is told. */
  behind<T>(project: string, work: () => Promise<T>): Promise<T> {
    return this.queue.run(async () => {
      await this.check(project);
      return work();
    });
  }

  /** Whether a project is being checked, or is going to be. */
  isPending(project: string): boolean {
    return this.checkedMs.get(project) === null;
  }

  /** Nobody knows of what: the files of the database were damaged. */
  suspectAll(): void {
    void this.queue.run(async () => {
      try {
        for await (const project of listProjectIds(this.options.store)) this.suspect(project);
      } catch (error) {
        this.tell('', error);
        if (isStoreFailure(error)) this.whenWell(() => this.suspectAll());
      }
    });
  }

  /** Begins nothing more; resolves when what was begun is given up. */
  async end(): Promise<void> {
    this.stopping.abort();
    for (const cancel of this.cancels) cancel();
    await this.queue.run(() => undefined);
  }

  private wasEnded(): boolean {
    return this.stopping.signal.aborted;
  }

  private async check(project: string): Promise<void> {
    if (this.wasEnded()) return;
    try {
      await this.options.recovery.ready();
      await this.verify(project);
    } catch (error) {
      this.tell(project, error);
      if (isStoreFailure(error)) {
        this.checkedMs.set(project, null);
        this.whenWell(() => void this.queue.run(() => this.check(project)));
        return;
      }
    }
    this.checkedMs.set(project, this.options.environment.now());
  }

  /** Nobody else may ever meet what an interrupted check would have found. While nothing can be noted none is made again. */
  private whenWell(check: () => void): void {
    if (this.wasEnded()) return;
    const { environment, recovery } = this.options;
    const cancel = environment.after(againMs, () => {
      this.cancels.delete(cancel);
      if (recovery.writingProblem === null) check();
      else this.whenWell(check);
    });
    this.cancels.add(cancel);
  }

  private async verify(project: string): Promise<void> {
    const { store, witness, environment, upkeep, wanted, onChecked } = this.options;
    const { signal } = this.stopping;
    const reindexed: string[] = [];
    await verifyProject(store, project, {
      isRepair: true,
      nowMs: environment.now(),
      stopping: signal,
      onFinding: () => undefined, // who found the damage has told it
      witnessed: async (id) => witness?.heads(id),
      alone: (id, repair) => upkeep.runFor(id, repair),
      onReindex: (id) => reindexed.push(id),
      onLost: (id, count) => wanted.note(id, count > 0),
    });
    await onChecked(project);
    for (const id of reindexed) await upkeep.index(id);
  }

  private tell(project: string, error: unknown): void {
    const { recovery, observer } = this.options;
    if (hasCode(error, 'outcome-unknown')) recovery.failed(error);
    else if (!this.wasEnded()) observer.observe({ type: 'upkeep-failed', project, detail: messageOf(error) });
  }
}
