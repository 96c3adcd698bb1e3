// What keeps projects small and easy to read, in the background and one thing at a time: snapshots of documents, compaction of
// what they cover, the removal of old versions of `udt`, and the index of what older releases have written.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError, messageOf } from '../errors.ts';
import { compactLog } from '../store/compaction.ts';
import { areHoldersComplete, writeHoldersMark } from '../store/index-marks.ts';
import { ProjectKeys } from '../store/keys.ts';
import { listProjectIds } from '../store/project-info.ts';
import type { Range } from '../store/store.ts';
import { buildIndex } from './build-index.ts';
import type { ProjectContext } from './project-context.ts';
import { pruneVersions } from './prune-versions.ts';
import { SerialQueue } from './serial-queue.ts';

export interface UpkeepOptions {
  /** How long update bytes stay after a snapshot covers them. */
  readonly keepUpdatesMs: number;
  /** How long versions of `udt` stay (UDT-13). At least an hour. */
  readonly udtHistoryMs: number;
}

export const upkeepDefaults: UpkeepOptions = {
  keepUpdatesMs: 30 * 24 * 60 * 60 * 1000,
  udtHistoryMs: 30 * 24 * 60 * 60 * 1000,
};

/** So often every project is looked after, also those that nobody opens. */
const sweepIntervalMs = 60 * 60 * 1000;

export class Upkeep {
  private readonly queue = new SerialQueue();
  private readonly timer = setInterval(() => void this.sweep(), sweepIntervalMs).unref();
  private readonly stopping = new AbortController();
  private reclaimed: Promise<void> = Promise.resolve();
  private isSweeping = false;
  private indexing: Promise<void> | null = null;

  constructor(
    private readonly context: ProjectContext,
    private readonly options: UpkeepOptions,
  ) {}

  /** Whether nothing more is begun. */
  get isEnding(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Does something for a project when what was asked for before is done. What goes wrong is told, and tried again some
   *  other time: nothing depends on it. */
  run(project: string, work: (stopping: AbortSignal) => Promise<void>): Promise<void> {
    return this.queue.run(async () => {
      if (this.stopping.signal.aborted) return;
      try {
        await this.context.recovery.ready();
        await work(this.stopping.signal);
      } catch (error) {
        this.tell(project, error);
      }
    });
  }

  /**
   * As `run`, for who waits for it to be done.
   * @throws RejoinError what went wrong; `unavailable` if the server stops.
   */
  async runFor(project: string, work: (stopping: AbortSignal) => Promise<void>): Promise<void> {
    const done = { isWhole: false, failure: null as unknown };
    await this.run(project, async (stopping) => {
      try {
        await work(stopping);
        done.isWhole = true;
      } catch (error) {
        done.failure = error;
        throw error;
      }
    });
    if (done.isWhole) return;
    if (done.failure instanceof RejoinError) throw done.failure;
    const why = done.failure === null ? 'the server stops' : messageOf(done.failure);
    throw new RejoinError(
      'unavailable',
      `What was to be done for ${JSON.stringify(project)} is not done: ${why}`,
    );
  }

  /** Compacts a project's log and removes its old versions. */
  tidy(project: string): Promise<void> {
    return this.run(project, async (stopping) => {
      const { store, environment, observer } = this.context;
      const keys = new ProjectKeys(project);
      const nowMs = environment.now();
      const { keepUpdatesMs, udtHistoryMs } = this.options;
      const onDamage = (detail: string): void => observer.observe({ type: 'damage', project, detail });
      const reclaim = (range: Range): void => this.reclaim(project, range);
      await compactLog(store, keys, { keepUpdatesMs, nowMs, stopping, onDamage, reclaim });
      await pruneVersions(store, keys, nowMs - udtHistoryMs, onDamage);
    });
  }

  /** Indexes what isn't of a project's log, such as what an older release has written. */
  async index(project: string): Promise<void> {
    await this.indexLog(project, false);
  }

  /** Does so for all projects, so that the store knows who holds each report and topic; once for all who ask meanwhile. */
  indexAll(): Promise<void> {
    this.indexing ??= this.indexLogs().finally(() => (this.indexing = null));
    return this.indexing;
  }

  private async indexLogs(): Promise<void> {
    const { store, life } = this.context;
    try {
      if (await areHoldersComplete(store, life.serverId)) return;
      let isComplete = true;
      for await (const project of listProjectIds(store))
        isComplete = (await this.indexLog(project, true)) && isComplete;
      if (isComplete) await this.run('', () => store.write([writeHoldersMark(life.serverId)]));
    } catch (error) {
      this.tell('', error);
    }
  }

  /** @returns whether it was done. */
  private async indexLog(project: string, holdersOfDamaged: boolean): Promise<boolean> {
    let isDone = false;
    await this.run(project, async (stopping) => {
      const { store, life, observer } = this.context;
      const onDamage = (detail: string): void => observer.observe({ type: 'damage', project, detail });
      const options = { serverId: life.serverId, stopping, onDamage, holdersOfDamaged };
      isDone = await buildIndex(store, project, options);
    });
    return isDone;
  }

  /** Looks after every project there is, unless that is being done. */
  async sweep(): Promise<void> {
    if (this.isSweeping) return;
    this.isSweeping = true;
    try {
      for await (const project of listProjectIds(this.context.store)) {
        if (this.stopping.signal.aborted) return;
        await this.tidy(project);
        await this.index(project);
        await otherWork();
      }
      await this.indexAll();
    } catch (error) {
      this.tell('', error);
    } finally {
      this.isSweeping = false;
    }
  }

  /** Begins nothing more; resolves when what was begun is given up or done. */
  async end(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.timer);
    await this.queue.run(() => undefined);
  }

  /** LevelDB takes its time for it, and nobody waits. */
  private reclaim(project: string, range: Range): void {
    this.reclaimed = this.reclaimed
      .then(() => (this.stopping.signal.aborted ? undefined : this.context.store.compact(range)))
      .catch((error: unknown) => this.tell(project, error));
  }

  private tell(project: string, error: unknown): void {
    const { observer } = this.context;
    const code = error instanceof RejoinError ? error.code : 'internal';
    if (code === 'outcome-unknown') this.context.recovery.failed(error);
    else if (code === 'damaged') observer.observe({ type: 'damage', project, detail: messageOf(error) });
    else if (code !== 'unavailable' && code !== 'deleted')
      observer.observe({ type: 'upkeep-failed', project, detail: messageOf(error) });
  }
}
