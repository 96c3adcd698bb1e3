// The log of an open project, on its way to the disk and back: numbers what the project plans, hands it to the store,
// shows it to readers once it is durable, and starts anew from what is stored when a write failed.

import { RejoinError } from '../errors.ts';
import type { Json } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { writeClientIds, type ClientIds } from '../store/client-ids.ts';
import type { Life } from '../store/life.ts';
import type { LoggedObject } from '../store/group-batch.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import type { Change } from '../store/change.ts';
import type { StoredRecord } from '../store/log-reader.ts';
import { ProjectLog, type NewGroup } from '../store/project-log.ts';
import type { ReceivedGroup } from '../store/received-groups.ts';
import type { LogRecord, NeededParts } from '../store/record.ts';
import type { Write } from '../store/store.ts';
import type { FeedSource } from './feed.ts';
import { KnownUuids } from './known-uuids.ts';
import { LogListeners, type ProjectListener } from './log-listeners.ts';
import { NumberedGroups } from './numbered-groups.ts';
import type { ProjectContext } from './project-context.ts';
import { readLog } from './read-log.ts';
import { RecentChanges } from './recent-changes.ts';
import { WritesInFlight } from './writes-in-flight.ts';

/** What goes to the store together. */
export interface Commit {
  /** Absent where only local records change. */
  readonly group: Omit<NewGroup, 'timeMs'> | null;
  readonly writes: readonly Write[];
  /** Called when it is durable, before any listener is. */
  readonly settle?: () => void;
}

/** What goes to the store with another server's group. */
export interface ReceivedOptions extends Pick<Commit, 'writes' | 'settle'> {
  /** Whether a session that was made in slices is not complete with it. */
  readonly isUnfinished: boolean;
  /** What those who follow the document are told of it. */
  readonly update: Uint8Array | null;
}

/** A numbered commit: `track` must be given the promise of the store's write of `writes`. */
export interface Staged {
  readonly writes: readonly Write[];
  readonly track: (written: Promise<void>) => Promise<void>;
}

const nothing: VersionVector = new Map();

/** A link that was cut is there again sooner, if its other side is. */
const unfinishedMs = 60_000;

export class LiveLog implements FeedSource {
  private readonly listeners = new LogListeners();
  private readonly recent = new RecentChanges();
  /** Which objects the log has, in flight or durable (WS-13). */
  readonly uuids = new KnownUuids((kind, versionUuid) => this.log.hasObject(kind, versionUuid));
  private readonly writing = new WritesInFlight((error) => this.context.recovery.failed(error));
  private stale = false;
  private invalidations = 0;
  private hasFailed = false;
  /** When something came from another server last. */
  private receivedMs = 0;
  /** How often positions were filled that nothing was at, or were numbered anew, and the first of them all. */
  fillings = 0;
  filledFrom = Infinity;

  private constructor(
    private readonly context: ProjectContext,
    private log: ProjectLog,
    /** The one that it is numbered in. */
    private life: Life,
    private ids: ClientIds | undefined,
  ) {}

  static async open(project: string, context: ProjectContext): Promise<LiveLog> {
    const { log, life, ids } = await readLog(project, context);
    return new LiveLog(context, log, life, ids);
  }

  /** What the catalogue says; undefined while nothing was ever written to the project. */
  get info(): ProjectInfo | undefined {
    return this.log.info;
  }

  get keys(): ProjectLog['keys'] {
    return this.log.keys;
  }

  /** The clientIDs of this life; undefined until it writes to the project. */
  get clientIds(): ClientIds | undefined {
    return this.ids;
  }

  /** Takes clientIDs; the write that keeps them goes with what is written under them. */
  useClientIds(ids: ClientIds): Write {
    this.ids = ids;
    return writeClientIds(this.log.keys, this.life.serverId, ids);
  }

  // ---- reading

  get durablePosition(): number {
    return this.log.durablePosition;
  }

  get durableVector(): VersionVector {
    return this.log.durableVector;
  }

  /** How much of it readers are told of: nothing while a session isn't there whole. */
  get shownPosition(): number {
    return this.log.isThere ? this.log.durablePosition : 0;
  }

  get shownVector(): VersionVector {
    return this.log.isThere ? this.log.durableVector : nothing;
  }

  /** The server id that a session is of all of which is durable; null if there is none. */
  get sessionServerId(): number | null {
    return this.log.sessionServerId;
  }

  /** How far the log goes with what is on its way to the disk. */
  get appended(): ReturnType<ProjectLog['appended']> {
    return this.log.appended();
  }

  async ready(): Promise<void> {
    await this.context.recovery.ready();
    if (this.info?.tombstone) throw new RejoinError('deleted', `The project ${this.name} was deleted`);
  }

  recentAfter(position: number): readonly Change[] | null {
    return this.recent.after(position);
  }

  readStored(first: number, last: number, needed?: NeededParts): AsyncIterable<readonly Change[]> {
    return this.log.read(first, last, needed);
  }

  /** For other servers. */
  readRecords(first: number, last: number): AsyncIterable<readonly StoredRecord[]> {
    return this.log.readRecords(first, last);
  }

  readAt(positions: readonly number[], needed?: NeededParts): Promise<Change[]> {
    return this.log.readAt(positions, needed);
  }

  /** The first object with this uuid as it is stored; null if it can't be read. */
  objectOf(kind: ObjectKind, versionUuid: string): Promise<Json> {
    return this.log.objectOf(kind, versionUuid);
  }

  /** From which position on the index can be relied on; null if it can't be. */
  indexedFrom(): Promise<number | null> {
    return this.log.indexedFrom();
  }

  positionOf(since: VersionVector): Promise<number> {
    return this.log.positionOf(since);
  }

  onMoved(wake: () => void): () => void {
    return this.listeners.onWake(wake);
  }

  listen(listener: ProjectListener): () => void {
    return this.listeners.listen(listener);
  }

  /** Whether nothing that was submitted is still on its way. */
  get isSettled(): boolean {
    return this.writing.isEmpty;
  }

  /** Resolves when everything submitted so far is durable. */
  settled(): Promise<void> {
    return this.writing.settled;
  }

  /**
   * As `settled`, for who is about to read from the store.
   * @throws RejoinError `unavailable` if somebody's write failed, whose outcome is unknown: nothing of the reader's was written.
   */
  async durable(): Promise<void> {
    try {
      await this.writing.settled;
    } catch (cause) {
      throw new RejoinError('unavailable', 'The store failed while the project was being opened', { cause });
    }
  }

  // ---- writing

  /** Whether another server has sent the beginning of a session, and nothing more for long: that may be lost, and be all there ever is. */
  get isLeftUnfinished(): boolean {
    if (this.info || this.log.appended().position === 0) return false;
    return Math.abs(this.context.environment.now() - this.receivedMs) >= unfinishedMs;
  }

  /** @throws RejoinError `deleted`; `unavailable` while another server is still sending what the project begins with. */
  async writable(): Promise<void> {
    await this.ready();
    if (!this.info && this.log.appended().position > 0)
      throw new RejoinError(
        'unavailable',
        `The project ${this.name} is being fetched from another server: try again when it is whole`,
      );
  }

  /** Numbers a commit and writes it. */
  submit(commit: Commit): Promise<void> {
    const staged = this.stage(commit);
    return staged.track(this.context.store.write(staged.writes));
  }

  /** Numbers a commit that is written by the caller, together with those of other projects, at once. */
  stage({ group: plan, writes, settle }: Commit): Staged {
    this.checkFresh();
    if (!plan) return { writes, track: (written) => this.writing.track(written, () => settle?.()) };

    const groups = new NumberedGroups();
    const objects = plan.changes.map((change) => ('object' in change ? change : null));
    const appended = this.log.append({ ...plan, timeMs: this.context.environment.now() });
    groups.add(appended, objects, writes, settle);
    return this.stageNumbered(groups);
  }

  /**
   * Numbers a group as another server has (REP-4), behind those in `groups`, for which `stageNumbered` is to be called. It must
   * be the next of its server id.
   */
  numberReceived(
    groups: NumberedGroups,
    group: ReceivedGroup,
    objects: readonly (LoggedObject | null)[],
    { isUnfinished, update, writes, settle }: ReceivedOptions,
  ): void {
    this.checkFresh();
    const nowMs = this.context.environment.now();
    this.receivedMs = nowMs;
    const appended = this.log.appendReceived(group, update, objects, { nowMs, isUnfinished });
    groups.add(appended, objects, writes, settle);
  }

  /** As `stage`, for what is numbered already. */
  stageNumbered(groups: NumberedGroups): Staged {
    this.checkFresh();
    const arrived = this.uuids.addAll(groups.objects);
    const held = this.context.holders.hold(this.log.project, groups.matches);
    groups.settles.unshift(arrived, held.settle);
    for (const write of held.writes) groups.writes.push(write);
    return {
      writes: groups.writes,
      track: (written) => this.writing.track(written, () => this.show(groups)),
    };
  }

  private show({ groups, settles }: NumberedGroups): void {
    this.log.settle(...groups);
    this.tellWitness();
    for (const settle of settles) settle();
    for (const { changes } of groups) this.recent.push(changes);
    this.context.observer.wrote?.(groups.reduce((sum, { changes }) => sum + changes.length, 0));
    this.listeners.wake();
    this.listeners.tellDurable(groups);
    if (this.log.isThere) this.context.moved.tell(this.log.project);
  }

  /** Has the catalogue say something else of the project, behind all that was submitted. `more` is written with it. */
  async describe(info: ProjectInfo, more: readonly Write[] = []): Promise<void> {
    await this.writing.settled;
    // What has come of a session is kept from then on, though the rest of it isn't here.
    const { writes, settle } = this.log.enter(info);
    await this.submit({ group: null, writes: [...writes, ...more], settle });
    this.listeners.wake();
    this.listeners.tell((listener) => (info.tombstone ? listener.deleted?.() : listener.undeleted?.()));
    this.context.moved.tell(this.log.project, true);
  }

  /** Puts the project into the catalogue, whose log is there already. `more` is written with it. */
  async enter(info: ProjectInfo, more: readonly Write[]): Promise<void> {
    await this.writing.settled;
    const { writes, settle } = this.log.enter(info);
    await this.submit({ group: null, writes: [...writes, ...more], settle });
    this.tellWitness();
    this.listeners.wake();
    this.context.moved.tell(this.log.project);
  }

  /** What the catalogue is to say when these records are put back, by position; null if it says that already. */
  describeWith(records: ReadonlyMap<number, LogRecord>): ReturnType<ProjectLog['describeWith']> {
    return this.log.describeWith(records);
  }

  /** Records that were lost are in their places again. */
  putBack(hasRepeats: boolean): void {
    if (hasRepeats) this.log.noteRepeats();
    this.listeners.wake();
    this.context.moved.tell(this.log.project);
  }

  /** As `stage`, for empty changes of this server at positions that nothing is at: see ProjectLog. */
  stageFilling(positions: readonly number[], update: Uint8Array, writes: readonly Write[]): Staged {
    this.checkFresh();
    const filled = this.log.fill(positions, { update, timeMs: this.context.environment.now() });
    const settle = (): void => {
      this.log.settleFilled(filled.changes);
      this.tellWitness();
      this.filledFrom = Math.min(this.filledFrom, positions[0] ?? Infinity);
      this.fillings++;
      this.listeners.wake();
      this.context.moved.tell(this.log.project);
    };
    return { writes: [...writes, ...filled.writes], track: (written) => this.writing.track(written, settle) };
  }

  /** Changes from a position on have other numbers, as `reload` has found, and the document is another one. */
  renumbered(from: number): void {
    this.tellWitness();
    this.filledFrom = Math.min(this.filledFrom, from);
    this.fillings++;
    this.listeners.wake();
    this.replaced();
    this.context.moved.tell(this.log.project);
  }

  /** Has the catalogue say how much is lost by now: nothing of damage if all is back. */
  async recountDamage(): Promise<void> {
    await this.writing.settled;
    const described = await this.log.lessDamage();
    if (!described) return;
    await this.submit({ group: null, writes: [described.write], settle: described.settle });
  }

  /** The document has got what no update tells. */
  replaced(): void {
    this.listeners.tell((listener) => listener.replaced?.());
  }

  // ---- after a failed write

  /** Whether something failed since the log was read, or the server has another life: nothing may be numbered until `reload`. */
  get isStale(): boolean {
    return this.stale || this.life !== this.context.life;
  }

  private checkFresh(): void {
    if (this.isStale)
      throw new RejoinError('unavailable', 'Nothing was written: the store is being recovered');
  }

  /**
   * Changes when a write has failed: what was numbered before that and isn't durable is gone, and what comes may not build on it.
   */
  get era(): number {
    return this.invalidations;
  }

  /** A write failed, or is given up: what was not durable, or whole, is gone, and the heads are uncertain. */
  invalidate(): void {
    this.stale = true;
    this.invalidations++;
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.listeners.tell((listener) => listener.reset?.());
  }

  /** A change failed midway: what is in memory is not to be relied on, while what was handed to the store is good. */
  distrust(): void {
    this.stale = true;
  }

  /** Reads the heads again from the store, once everything in flight has ended. */
  async reload(): Promise<void> {
    await this.writing.settled.catch(() => undefined); // whoever waits for it hears of it
    const before = this.invalidations;
    const { log, life, ids } = await readLog(this.log.project, this.context);
    if (this.invalidations !== before) return; // what was read is from before the failure: it stays stale
    this.log = log;
    this.life = life;
    this.ids = ids;
    this.recent.clear();
    this.uuids.clear();
    this.writing.forget();
    this.stale = false;
    this.hasFailed = false;
    this.listeners.wake();
  }

  private tellWitness(): void {
    const { life } = this;
    if (!this.log.isThere) return; // a session that isn't whole may leave nothing behind
    const { durablePosition: position, durableVector } = this.log;
    this.context.witness?.note(this.log.project, {
      position,
      serverId: life.serverId,
      seqno: durableVector.get(life.serverId) ?? 0,
    });
  }

  private get name(): string {
    return JSON.stringify(this.log.project);
  }
}
