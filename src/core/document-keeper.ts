// Keeps the document of one project in memory while it is used, and the versions of its `udt` part as long as the project is:
// opens them once for all who need them, has snapshots made as the document grows, and closes it. Its project calls it.

import { RejoinError, hasCode } from '../errors.ts';
import type { LiveLog } from './live-log.ts';
import type { ProjectContext } from './project-context.ts';
import { beginSnapshot, finishSnapshot } from './make-snapshot.ts';
import { openDocument, type OpenDocument } from './open-document.ts';
import type { SerialQueue } from './serial-queue.ts';
import { UdtVersions } from './udt-versions.ts';
import type { Upkeep } from './upkeep.ts';

/** For so long a document that is damaged isn't read again: each try may read the whole log. */
const firstPauseMs = 1_000;
const lastPauseMs = 60_000;

export class DocumentKeeper {
  private opened: OpenDocument | null = null;
  private counted: UdtVersions | null = null;
  private counting: Promise<UdtVersions> | null = null;
  private isSnapshotAsked = false;
  private snapshotAgainMs = 0;
  private failure: {
    readonly error: RejoinError;
    readonly pauseMs: number;
    readonly againMs: number;
  } | null = null;

  /** @param turns of the project: what changes the document runs in them. */
  constructor(
    private readonly project: string,
    private readonly log: LiveLog,
    private readonly turns: SerialQueue,
    private readonly context: ProjectContext,
    private readonly upkeep: Upkeep,
  ) {}

  /** The document if it is open. */
  get current(): OpenDocument | null {
    return this.opened;
  }

  /** The versions if they were read. */
  get currentVersions(): UdtVersions | null {
    return this.counted;
  }

  /**
   * The versions, which need no document: nobody waits for one that is being opened. What was written before is durable
   * then, and nothing that makes a version is written before they are read.
   * @throws RejoinError `unavailable`.
   */
  async versions(): Promise<UdtVersions> {
    if (this.counted) return this.counted;
    const counting = (this.counting ??= this.readVersions());
    try {
      const versions = await counting;
      if (this.counting !== counting) return await this.versions(); // they were dropped meanwhile
      return (this.counted = versions);
    } finally {
      if (this.counting === counting) this.counting = null;
    }
  }

  private async readVersions(): Promise<UdtVersions> {
    const { log, context } = this;
    await log.durable();
    const { serverId, epoch } = context.life;
    const isOwn = log.info?.session?.serverId === serverId; // UDT-3
    const onDamage = (detail: string): void => this.tell('damage', detail);
    const isWhole = log.info?.damage === undefined;
    const versions = await UdtVersions.load(context.store, log.keys, isOwn ? 0 : epoch, onDamage, isWhole);
    if (log.durablePosition > 0) void this.upkeep.tidy(this.project);
    return versions;
  }

  /** To be called in the project's turn. @throws RejoinError `damaged`, `unavailable`. */
  async open(): Promise<OpenDocument> {
    if (this.opened) return this.opened;
    const opened = await this.load();
    const versions = await this.versions();
    if (versions.confirm(opened.document.udt.hashes()))
      this.tell('damage', 'the document does not have the hash that its newest version was stored with');
    this.adopt(opened);
    return opened;
  }

  /** Takes over a document that was just read or made. To be called in the project's turn. */
  adopt(opened: OpenDocument): void {
    this.opened = opened;
    if (opened.tail.isDue) this.askForSnapshot();
  }

  /** What is in memory no longer says what is stored: the next one who needs it has it read again. */
  drop(): void {
    this.opened = null;
    this.counted = null;
    this.counting = null;
    this.failure = null;
    this.snapshotAgainMs = 0;
  }

  /** The open document has taken an update that is on its way to the log. */
  grown(update: Uint8Array): void {
    const tail = this.opened?.tail;
    tail?.add(update);
    if (tail?.isDue) this.askForSnapshot();
  }

  /** Takes the document out of memory, unless somebody needs it after all. */
  async close(isNeeded: () => boolean): Promise<void> {
    if (this.opened?.tail.isDueAtClose) await this.makeSnapshot();
    await this.turns.run(async () => {
      await this.log.settled().catch(() => undefined); // whoever waits for it hears of it
      if (isNeeded()) return;
      this.opened = null;
      this.counted = null;
      this.counting = null;
    });
  }

  private askForSnapshot(): void {
    const { environment } = this.context;
    if (this.isSnapshotAsked || environment.now() < this.snapshotAgainMs) return;
    this.isSnapshotAsked = true;
    void this.makeSnapshots().finally(() => (this.isSnapshotAsked = false));
  }

  /** One, and another one if the document has grown as much again meanwhile. */
  private async makeSnapshots(): Promise<void> {
    while (this.opened?.tail.isDue) {
      if (await this.makeSnapshot()) continue;
      this.snapshotAgainMs = this.context.environment.now() + lastPauseMs; // each try may write all of it
      return;
    }
  }

  /** Of the open document, however little has changed since the last one. @returns whether it was made. */
  makeSnapshotNow(): Promise<boolean> {
    return this.makeSnapshot(true);
  }

  /** Has its turn among the background work of all projects. @returns whether it was made. */
  private async makeSnapshot(isNeeded = false): Promise<boolean> {
    let wasMade = false;
    await this.upkeep.run(this.project, async (signal) => {
      const begun = await this.turns.run(() => {
        // Asked for twice, the first one may have covered all. A second one at its position would replace it, and be the
        // only one that is kept.
        if (!this.opened || this.log.isStale || !(isNeeded || this.opened.tail.isDueAtClose)) return null;
        return beginSnapshot(this.log, this.opened, this.context.sizes);
      });
      if (!begun) return;
      const snapshot = await finishSnapshot(begun, this.log, this.context, {
        // A failed write makes the log stale; who waits for the write hears of it.
        settle: () => this.turns.run(() => this.log.settled()).catch(() => undefined),
        isWanted: () => this.opened === begun.opened && !this.log.isStale && !signal.aborted,
      });
      wasMade = snapshot !== null;
    });
    await this.upkeep.tidy(this.project);
    return wasMade;
  }

  private async load(): Promise<OpenDocument> {
    const { environment } = this.context;
    if (this.failure && environment.now() < this.failure.againMs) throw this.failure.error;
    try {
      const opened = await openDocument(this.log, this.context, (type, detail) => this.tell(type, detail));
      this.failure = null;
      return opened;
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      const pauseMs = this.failure ? Math.min(2 * this.failure.pauseMs, lastPauseMs) : firstPauseMs;
      this.failure = { error, pauseMs, againMs: environment.now() + pauseMs };
      throw error;
    }
  }

  private tell(type: 'damage' | 'value-not-json', detail: string): void {
    this.context.observer.observe({ type, project: this.project, detail });
  }
}
