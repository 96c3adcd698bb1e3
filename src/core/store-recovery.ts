// Brings the store back after a failed write. Until the disk takes writes again the store stays open for reading; then it
// is opened anew, because after a failed write LevelDB refuses every further one, and what failed may be on disk all the
// same. Projects have one, and everybody who reads or writes asks it first.

import { RejoinError, hasCode, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { diskProblem } from '../store/disk-error.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';

export interface StoreRecoveryOptions {
  readonly store: Store;
  readonly environment: Environment;
  readonly observer: Observer;
  /** A write failed: what memory holds that is not durable is to be dropped. */
  readonly onFailed: () => void;
  /** The store was opened anew and may say more than memory does: all is to be read again before anything is written. */
  readonly onReopened: () => void;
  /** For so long after a failure writers wait for the recovery; then they are refused. */
  readonly writersWaitMs?: number;
}

type State =
  | 'working'
  /** A write failed: reads go on from the open store, writers wait or are refused. */
  | 'read-only'
  /** The disk takes writes again: the store is being closed and opened, and everybody waits. */
  | 'reopening'
  | 'closed';

const writersWaitMsDefault = 5_000;
const firstRetryMs = 50;
const lastRetryMs = 5_000;
/** So often a write is begun again of which nothing was written. */
const writeTriesMax = 4;

export class StoreRecovery {
  private state: State = 'working';
  private changes = 0;
  private problem = '';
  private ended: Promise<void> = Promise.resolve();
  private patience: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(private readonly options: StoreRecoveryOptions) {}

  /** One line that says why nothing can be written at the moment; null if it can. */
  get writingProblem(): string | null {
    switch (this.state) {
      case 'working':
        return null;
      case 'read-only':
      case 'reopening':
        return this.problem;
      case 'closed':
        return 'the server is shutting down';
    }
  }

  /** Another number whenever the store has failed, or is closed or open again: what was read meanwhile is to be read again. */
  get changesSoFar(): number {
    return this.changes;
  }

  /** For reading: resolves at once, unless the store is being opened. @throws RejoinError `unavailable`. */
  async ready(): Promise<void> {
    while (this.state === 'reopening') await this.ended;
    if (this.state === 'closed') throw new RejoinError('unavailable', 'The server is shutting down');
  }

  /** @throws RejoinError `unavailable` unless something can be written at this moment. */
  checkWritable(): void {
    if (this.writingProblem === null) return;
    const comfort = 'What is stored can be read, and writing resumes by itself as soon as that is over';
    throw new RejoinError(
      'unavailable',
      this.state === 'closed'
        ? 'The server is shutting down'
        : `Nothing was written: ${this.writingProblem}. ${comfort}`,
    );
  }

  /**
   * Runs what writes when something can be written, and again if the store failed before anything of it was written. It
   * must call `checkWritable` when it has its turn, and not keep a turn while it waits for the disk.
   * @throws RejoinError `unavailable` if the store doesn't come back soon, `outcome-unknown` if it failed in the middle.
   */
  async writing<T>(write: () => Promise<T>): Promise<T> {
    for (let triesLeft = writeTriesMax; ; triesLeft--) {
      if (this.state !== 'working') await this.patience;
      this.checkWritable();
      try {
        return await write();
      } catch (error) {
        const isUnwritten = hasCode(error, 'unavailable');
        if (!isUnwritten || triesLeft <= 1) throw error;
      }
    }
  }

  /** To be called for every failed write. */
  failed(cause: unknown): void {
    if (this.state !== 'working') return;
    this.state = 'read-only';
    this.changes++;
    this.report(cause);
    this.ended = this.recover();
    this.patience = this.endedWithin(this.options.writersWaitMs ?? writersWaitMsDefault);
    this.options.onFailed();
  }

  /** For shutting down: resolves when no recovery is under way. One that lasts is given up. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  /** Refuses everything from now on. */
  close(): void {
    this.state = 'closed';
  }

  private async recover(): Promise<void> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, lastRetryMs)) {
      try {
        await this.reopen();
        return;
      } catch (error) {
        this.report(error);
      }
      await this.sleep(delayMs);
      if (this.stopping.signal.aborted) break;
    }
    if (this.state === 'reopening') this.close(); // there is nothing left to read from
  }

  /** Resolves when the recovery has ended, or after that time. */
  private endedWithin(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.environment.after(limitMs, resolve);
      void this.ended.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** It ends early when stopping. */
  private sleep(delayMs: number): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.options.environment.after(delayMs, end);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end);
    });
  }

  private async reopen(): Promise<void> {
    const { store, observer, onReopened } = this.options;
    if (this.state === 'read-only') {
      await store.probe();
      this.state = 'reopening';
      this.changes++;
    }
    await store.reopen();
    onReopened(); // first: what is numbered from here on must follow what is on disk
    this.state = 'working';
    this.changes++;
    observer.observe({ type: 'store-recovered', detail: 'The store was opened again: writing goes on' });
  }

  private report(error: unknown): void {
    const cause = firstCauseOf(error);
    this.problem = diskProblem(cause);
    this.options.observer.observe({ type: 'store-failed', detail: messageOf(cause) });
  }
}

/** What the disk or LevelDB said, with the name of the file: for the operator, not for clients. */
function firstCauseOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause;
}
