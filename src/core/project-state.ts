// The log and the document of one project, and the turns in which they change. A project and its parts work on it: what
// they do in a turn is planned, numbered and handed to the store before the next begins.

import { RejoinError, hasCode, messageOf } from '../errors.ts';
import type { Opened } from './commits.ts';
import { DocumentKeeper } from './document-keeper.ts';
import type { LiveLog } from './live-log.ts';
import type { ProjectContext } from './project-context.ts';
import type { ObservedEvent } from './observer.ts';
import { SerialQueue } from './serial-queue.ts';
import type { UdtVersions } from './udt-versions.ts';
import type { Upkeep } from './upkeep.ts';

/** For so long at most who asks waits for what is lost to come back, or for a store that fails again and again. */
const patienceMs = 30_000;
const lookAgainMs = 100;
/** So often what is unavailable is read again though nothing has happened to the store. */
const rereadsMax = 3;

export class ProjectState {
  readonly keeper: DocumentKeeper;
  readonly queue = new SerialQueue();
  /** Writes in work, in the queue or outside of it. */
  private readonly asked = new Set<Promise<unknown>>();
  /** Ends in a turn what one before has begun and something has interrupted; null if nothing was. */
  finishInterrupted: (() => Promise<void>) | null = null;

  /** @param onUsed is called whenever the document is being used. */
  constructor(
    readonly id: string,
    readonly context: ProjectContext,
    readonly log: LiveLog,
    upkeep: Upkeep,
    readonly onUsed: () => void,
  ) {
    this.keeper = new DocumentKeeper(id, log, this.queue, context, upkeep);
  }

  /** Whether there is nothing to do. */
  get isIdle(): boolean {
    return this.asked.size === 0 && this.queue.isEmpty && this.log.isSettled;
  }

  /** Resolves when all that was asked for so far is done, also what waits for the store to recover. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.asked]);
    await this.queue.run(() => undefined);
    await this.log.settled(); // behind its turn: whoever comes next need not wait for the disk
  }

  // ---- turns

  /** Runs a write in its turn. While the store recovers it waits outside of the queue, so that reads go on. */
  writing<T>(write: () => Promise<T>): Promise<T> {
    return this.asking(this.context.recovery.writing(() => this.inTurn(write)));
  }

  /** Counts as asked for until it has ended. */
  asking<T>(result: Promise<T>): Promise<T> {
    this.asked.add(result);
    const end = (): void => void this.asked.delete(result);
    result.then(end, end);
    return result;
  }

  inTurn<T>(write: () => Promise<T>): Promise<T> {
    return this.queue.run(() => {
      this.context.recovery.checkWritable();
      return write();
    });
  }

  // ---- within a turn

  /** Brings the log up to date with the store after a failure, and ends what was interrupted. */
  async current(): Promise<void> {
    await this.context.recovery.ready();
    if (this.log.isStale) {
      this.keeper.drop();
      await this.log.reload();
    }
    await this.finishInterrupted?.();
  }

  /**
   * To be called where a turn goes on after waiting for something else, before it changes anything.
   * @throws RejoinError `unavailable` if what was opened is no longer what is stored.
   */
  checkCurrent(): void {
    this.context.recovery.checkWritable();
    if (this.log.isStale)
      throw new RejoinError('unavailable', 'Nothing was written: the store is being recovered');
  }

  /**
   * As `current`, for who is about to write. The beginning of a session that nobody goes on with doesn't keep anybody from that for
   * ever: it is removed, and comes again if its server is still there.
   * @throws RejoinError `deleted`; `unavailable` while another server is sending what the project begins with.
   */
  async writable(): Promise<void> {
    await this.current();
    if (this.log.isLeftUnfinished) {
      this.log.invalidate(); // nor may what is on its way build on it
      await this.current();
    }
    await this.log.writable();
  }

  async open(): Promise<Opened> {
    await this.writable();
    const { document } = await this.keeper.open();
    this.onUsed();
    const versions = await this.keeper.versions();
    const nextPosition = (): number => this.log.appended.position + 1;
    return { document, versions, keys: this.log.keys, nextPosition };
  }

  /** The versions of `udt`, which need no document. */
  async versions(): Promise<UdtVersions> {
    await this.current();
    await this.log.ready();
    const versions = await this.keeper.versions();
    this.onUsed();
    return versions;
  }

  /** Runs what changes the document: if it fails midway, memory no longer says what is stored, and is read again. */
  async mutate<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.keeper.drop();
      this.log.distrust();
      this.observe('change-dropped', messageOf(error));
      throw error;
    }
  }

  // ---- outside of turns

  /**
   * Reads again what the store's being opened again has interrupted, as often as that happens: a poll is held, not refused
   * (UDT-5).
   */
  async rereading<T>(read: () => Promise<T>): Promise<T> {
    const { environment, recovery } = this.context;
    const untilMs = environment.now() + patienceMs;
    for (let triesLeft = rereadsMax; ;) {
      const before = recovery.changesSoFar;
      try {
        return await read();
      } catch (error) {
        if (!hasCode(error, 'unavailable')) throw error;
        const isInterrupted = recovery.changesSoFar !== before && environment.now() < untilMs;
        if (!isInterrupted && triesLeft-- <= 0) throw error;
      }
    }
  }

  /**
   * Does again what failed because something is lost, for as long as that may come back: who polls is held, not refused (UDT-5).
   */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    const { environment } = this.context;
    const untilMs = environment.now() + patienceMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const isLost = hasCode(error, 'damaged');
        if (!isLost || environment.now() >= untilMs || !this.context.mayComeBack(this.id)) throw error;
      }
      await new Promise<void>((resolve) => void environment.after(lookAgainMs, resolve));
    }
  }

  observe(type: Extract<ObservedEvent, { project: string }>['type'], detail: string): void {
    this.context.observer.observe({ type, project: this.id, detail });
  }
}
