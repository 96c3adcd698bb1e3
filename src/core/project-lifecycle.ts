// How a project is deleted, comes back, and is deleted for good (REP-14): the part of Project that changes what the
// catalogue says of it. Its numbers are never used again, so it goes on where it was.

import { RejoinError } from '../errors.ts';
import { highestOf, isBehind, type VersionVector } from '../model/version-vector.ts';
import { lifecycleOf, purgedLifecycle, type ProjectInfo } from '../store/project-info.ts';
import { beginPurge, removeProject } from '../store/purge.ts';
import type { ProjectState } from './project-state.ts';
import type { Upkeep } from './upkeep.ts';

/** What a server says of a project when it meets another. */
export interface Lifecycle {
  /** Odd while the project is deleted, 0 if it never was. */
  readonly lifecycle: number;
  /** By the clock of the server that deleted it; 0 if it never was. Milliseconds since 1970. */
  readonly deletedMs: number;
  /** What that server has of it. */
  readonly vector: VersionVector;
}

export class ProjectLifecycle {
  constructor(
    private readonly state: ProjectState,
    private readonly upkeep: Upkeep,
  ) {}

  /** @throws RejoinError `deleted` if it is. */
  delete(): Promise<void> {
    return this.state.writing(async () => {
      await this.state.writable();
      const { log } = this.state;
      const deletedMs = this.state.context.environment.now();
      await this.bury({ lifecycle: lifecycleOf(log.info) + 1, deletedMs, vector: new Map() });
    });
  }

  /** @throws RejoinError `conflict` if it isn't deleted, `deleted` if it is for good. */
  undelete(): Promise<void> {
    return this.state.writing(async () => {
      await this.state.current();
      const { info } = this.state.log;
      if (!info?.tombstone) throw new RejoinError('conflict', `The project ${this.name} is not deleted`);
      const before = lifecycleOf(info);
      if (before >= purgedLifecycle)
        throw new RejoinError(
          'deleted',
          `The project ${this.name} was deleted for good: nothing brings it back`,
        );
      await this.bringBack(info, before + 1);
    });
  }

  /**
   * What another server says holds here too if it is higher; of what is deleted on both, the higher numbers are kept.
   * @returns whether anything changed.
   */
  set(theirs: Lifecycle): Promise<boolean> {
    return this.state.writing(async () => {
      await this.state.current();
      const { info } = this.state.log;
      const { lifecycle } = theirs;
      if (lifecycle > purgedLifecycle)
        throw new RejoinError(
          'bad-request',
          `lifecycle ${lifecycle} of ${this.name} is beyond ${purgedLifecycle}`,
        );
      if (lifecycle < lifecycleOf(info)) return false;
      if (lifecycle === lifecycleOf(info)) return this.keepNumbers(info, theirs.vector);
      if (lifecycle % 2 === 1) await this.bury(theirs);
      else await this.bringBack(info ?? emptyInfo(this.state.context.environment.now()), lifecycle);
      return true;
    });
  }

  /**
   * Removes all that a deleted project has here, but for its tombstone; other servers are told that nothing brings it back.
   * What a crash cuts off is gone on with at the next start.
   * @param onProgress is called with how many keys were removed so far.
   * @throws RejoinError `conflict` if it isn't deleted; `unavailable`, `outcome-unknown` if it isn't done: it may be asked for again.
   */
  async purge(onProgress?: (removed: number) => void): Promise<void> {
    await this.state.writing(async () => {
      await this.state.current();
      const { info, durableVector } = this.state.log;
      if (!info?.tombstone)
        throw new RejoinError('conflict', `The project ${this.name} is not deleted: delete it first`);
      if (info.purgedMs !== undefined) return;
      const { createdMs, session, tombstone } = info;
      const vector = [...highestOf(new Map(tombstone.vector), durableVector)];
      const rest: ProjectInfo = {
        createdMs,
        session: session && { ...session, user: '' },
        tombstone: { ...tombstone, vector },
        lifecycle: purgedLifecycle,
        purgedMs: this.state.context.environment.now(),
      };
      await this.state.log.describe(rest, [beginPurge(this.state.id)]);
    });
    await this.removeAll(onProgress);
  }

  private async bury({ lifecycle, deletedMs, vector }: Lifecycle): Promise<void> {
    const { log, keeper } = this.state;
    await log.settled();
    const tombstone = { deletedMs, vector: [...highestOf(log.durableVector, vector)] };
    await log.describe({ ...(log.info ?? emptyInfo(deletedMs)), tombstone, lifecycle });
    keeper.drop();
  }

  /** Whoever meets this server is told of them, so that nobody gives them again. */
  private async keepNumbers(info: ProjectInfo | undefined, theirs: VersionVector): Promise<boolean> {
    if (!info?.tombstone) return false;
    const { log } = this.state;
    const known = highestOf(new Map(info.tombstone.vector), log.durableVector);
    if (!isBehind(known, theirs)) return false;
    await log.describe({ ...info, tombstone: { ...info.tombstone, vector: [...highestOf(known, theirs)] } });
    return true;
  }

  private async bringBack(info: ProjectInfo, lifecycle: number): Promise<void> {
    await this.state.log.describe({ ...info, tombstone: null, lifecycle });
    this.state.context.holders.wakeAll();
  }

  /** In turn with what keeps projects small: that writes to their keys too. */
  private removeAll(onProgress: ((removed: number) => void) | undefined): Promise<void> {
    const { id, context } = this.state;
    let removed = 0;
    const onRemoved = (keys: number): void => onProgress?.((removed += keys));
    return this.upkeep.runFor(id, (stopping) => removeProject(context.store, id, { stopping, onRemoved }));
  }

  private get name(): string {
    return JSON.stringify(this.state.id);
  }
}

function emptyInfo(createdMs: number): ProjectInfo {
  return { createdMs, session: null, tombstone: null };
}
