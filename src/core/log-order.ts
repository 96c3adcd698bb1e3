// Has a log compacted in which changes that were lost came back in an order that may not be theirs, so that no other server is given
// them one by one. It goes on after a restart and after a failed write: the log is marked until it is done. ProjectRepair has one.

import { RejoinError, hasCode, isStoreFailure, messageOf } from '../errors.ts';
import { dropUpdates } from '../store/compaction.ts';
import { readQuarantine } from '../store/quarantine.ts';
import { newestWholeSnapshot } from '../store/snapshots.ts';
import type { Write } from '../store/store.ts';
import { isUnordered, writeUnordered } from '../store/unordered.ts';
import type { ProjectState } from './project-state.ts';
import type { Upkeep } from './upkeep.ts';

/** The document can be made when all that it builds on is here: so often, and as many times, that is looked at. */
const againMs = 1_000;
const triesMax = 300;

export class LogOrder {
  private triesLeft = triesMax;
  private isWaiting = false;
  private attempts = 0;
  /** How often the log was marked. */
  private marks = 0;

  constructor(
    private readonly state: ProjectState,
    private readonly upkeep: Upkeep,
  ) {}

  /** Whether nothing is still to be done. */
  get isIdle(): boolean {
    return !this.isWaiting && this.attempts === 0;
  }

  /** To be written with what makes the order uncertain. */
  mark(): Write {
    this.marks++;
    return writeUnordered(this.state.log.keys, true);
  }

  /** To be called when the project is opened: what a stop has interrupted is gone on with. */
  async recall(): Promise<void> {
    if (this.state.log.info && (await this.isMarked())) this.later();
  }

  /** To be called when nothing is missing any more. Resolves when the order is secured, or it has to be tried again. */
  async secure(): Promise<void> {
    this.triesLeft = triesMax;
    await this.attempt();
  }

  private async attempt(): Promise<void> {
    this.attempts++;
    try {
      if (!(await this.isMarked()) || (await this.isWanting())) return;
      await this.compact();
    } catch (error) {
      // Whose document can't be made yet waits for the rest of it, and whose store failed for its recovery.
      const isExpected = isStoreFailure(error) || hasCode(error, 'damaged', 'deleted');
      if (!isExpected) {
        const detail = `the order of what was put back is not secured: ${messageOf(error)}`;
        this.state.observe('upkeep-failed', detail);
      }
      this.later();
    } finally {
      this.attempts--;
    }
  }

  /** Who lacks changes whose order isn't known is given a snapshot in their place (REP-7): no other server would take them (YJS-8). */
  private async compact(): Promise<void> {
    const { keeper, log, context, queue, id } = this.state;
    const { store } = context;
    const { marks } = this;
    const last = await queue.run(async () => {
      await this.state.open();
      return log.appended.position;
    });
    await keeper.makeSnapshotNow();
    await this.upkeep.runFor(id, async (stopping) => {
      const onDamage = (detail: string): void => this.state.observe('damage', detail);
      const covered = await newestWholeSnapshot(store, log.keys, onDamage);
      if ((covered?.position ?? 0) < last || this.marks !== marks) throw isNotYet;
      await dropUpdates(store, log.keys, 1, last, { stopping, onDamage });
      if (stopping.aborted) throw isNotYet;
      await store.write([writeUnordered(log.keys, false)]);
    });
  }

  private later(): void {
    if (this.isWaiting || this.upkeep.isEnding || this.triesLeft-- <= 0) return;
    this.isWaiting = true;
    this.state.context.environment.after(againMs, () => {
      this.isWaiting = false;
      void this.attempt();
    });
  }

  /** Who puts back the last of it has the order secured. */
  private async isWanting(): Promise<boolean> {
    const { context, log } = this.state;
    return (await readQuarantine(context.store, log.keys)).length > 0;
  }

  private isMarked(): Promise<boolean> {
    const { context, log } = this.state;
    return isUnordered(context.store, log.keys);
  }
}

const isNotYet = new RejoinError('unavailable', 'No snapshot covers the log yet');
