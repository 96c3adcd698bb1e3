// The log of one project: an append-only sequence of changes, numbered by position and, per server id, by seqno.
// It numbers what is appended and finds what is there; its reader reads history, and writing the batches and waiting for the
// disk is its owner's matter.

import { RejoinError } from '../errors.ts';
import type { Json } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { Match } from '../model/selection.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { readIndexMark, writeIndexMark } from './index-marks.ts';
import type { Change, Group } from './change.ts';
import { GroupBatch, type LoggedObject } from './group-batch.ts';
import { findObject, positionBehind } from './log-lookups.ts';
import { LogReader, type StoredRecord } from './log-reader.ts';
import { ProjectKeys } from './keys.ts';
import { ProjectEntry, type EntryChange } from './project-entry.ts';
import { readProjectInfo, type ProjectInfo } from './project-info.ts';
import type { ReceivedGroup } from './received-groups.ts';
import { encodeRecord, type LogRecord, type NeededParts } from './record.ts';
import { credible, headsOfPurged, missingIn, recoverHeads, type Heads } from './recover-heads.ts';
import { firstOf, type Store, type Write } from './store.ts';
import type { WitnessedHeads } from './witnessed-heads.ts';

/** A numbered group, and what has to be written for it. */
export interface Appended {
  readonly group: Group;
  readonly writes: Write[];
}

export type NewChange =
  | { readonly kind: 'update' | 'udt' | SessionPart }
  | {
      readonly kind: ObjectKind;
      readonly versionUuid: string;
      readonly object: Uint8Array;
      /** What it can be selected by. */
      readonly matches: readonly Match[];
    };

/** A session that is created in slices begins with `session`, goes on with `slice`s, and ends with `closing`. */
export type SessionPart = 'session' | 'slice' | 'closing';

export interface NewGroup {
  readonly origin: Origin;
  readonly timeMs: number;
  readonly update: Uint8Array;
  readonly changes: readonly NewChange[];
  /** Of a session that is created in slices, but for the last: the project isn't in the catalogue yet. */
  readonly isUnfinished?: boolean;
}

export class ProjectLog {
  readonly keys: ProjectKeys;
  private readonly reader: LogReader;
  /** How far the log is durable. Nothing beyond it may be shown. */
  private durable: Heads;
  private nextPosition: number;
  /** The highest seqno per server id, of what is on its way too. */
  private readonly numbered: Map<number, number>;

  private constructor(
    private readonly store: Store,
    readonly project: string,
    private readonly serverId: number,
    private readonly entry: ProjectEntry,
    heads: Heads,
    hasRepeats: boolean,
    onHole?: () => void,
  ) {
    this.keys = new ProjectKeys(project);
    this.reader = new LogReader(store, project, this.keys, hasRepeats, onHole);
    this.durable = heads;
    this.nextPosition = heads.position + 1;
    this.numbered = new Map(heads.vector);
  }

  /**
   * Opens the log and recovers its heads. A project that doesn't exist has an empty one.
   * @param witnessed what the witness knows of it.
   * @param onHole is called whenever a reader meets something that is missing or damaged.
   * @throws RejoinError `damaged` if the catalogue doesn't know the project, though it has a log: it may have been deleted.
   */
  static async open(
    store: Store,
    project: string,
    serverId: number,
    witnessed?: WitnessedHeads,
    onHole?: () => void,
  ): Promise<ProjectLog> {
    const keys = new ProjectKeys(project);
    const info = await readProjectInfo(store, project);
    // Of most that are not in the catalogue nothing is known at all.
    const isNew = !info && !witnessed && (await firstOf(store, keys.allButArrivals())) === undefined;
    if (isNew)
      return new ProjectLog(
        store,
        project,
        serverId,
        new ProjectEntry(project, info, null),
        noHeads(),
        false,
        onHole,
      );
    const { damage, ...heads } =
      info?.purgedMs === undefined
        ? await recoverHeads(store, keys, info?.damage, credible(witnessed, info))
        : headsOfPurged(info);
    const about = `Project ${JSON.stringify(project)} is damaged`;
    if (!info && (heads.position > 0 || heads.vector.size > 0))
      throw new RejoinError(
        'damaged',
        `${about}: the catalogue has lost its entry, and it may have been deleted`,
      );
    const hasRepeats = (await firstOf(store, keys.repeats(0, heads.position))) !== undefined;
    const entry = new ProjectEntry(project, info, damage && `${about}: ${damage}`);
    return new ProjectLog(store, project, serverId, entry, heads, hasRepeats, onHole);
  }

  /** What the catalogue says, or undefined while the project doesn't exist. */
  get info(): ProjectInfo | undefined {
    return this.entry.info;
  }

  /** What the log has lost and nobody knew before, in a sentence: no number may be given until `accept`. */
  get newDamage(): string | null {
    return this.entry.newDamage;
  }

  get durablePosition(): number {
    return this.durable.position;
  }

  /** The highest durable seqno per server id. */
  get durableVector(): VersionVector {
    return this.durable.vector;
  }

  /** Whether the project is there for all to see: that of a session whose slices aren't all durable isn't. */
  get isThere(): boolean {
    return this.entry.isThere(this.durable.position);
  }

  /** The server id that a session is of all of which is durable; null if there is none. */
  get sessionServerId(): number | null {
    return this.entry.sessionOf(this.durable.position);
  }

  /** Whether something of it is known to be lost. */
  get isDamaged(): boolean {
    return this.entry.isDamaged;
  }

  /** What makes the damage known, so that it is found once: the log goes on behind all that was ever given. */
  noteDamage(foundMs: number): Write {
    return this.entry.noteDamage(foundMs, this.durable);
  }

  /**
   * Numbers a group. Its writes must reach the store in the order of the calls, and `settle` must be called when they
   * are durable.
   */
  append({ origin, timeMs, update, changes, isUnfinished = false }: NewGroup): Appended {
    const first = {
      kind: changes[0]?.kind,
      serverId: this.serverId,
      timeMs,
      user: origin.user,
      isUnfinished,
      position: this.nextPosition,
    };
    const groupSize = changes.length;
    const entry = this.entry.with(first);
    const writes = this.firstWrites(entry);
    const batch = new GroupBatch(this.keys, writes);
    const numbered = changes.map((change, groupIndex): Change => {
      const record = {
        serverId: this.serverId,
        seqno: this.nextSeqno + groupIndex,
        groupIndex,
        groupSize,
        timeMs,
        origin,
        kind: change.kind,
        object: 'object' in change ? change.object : null,
        update: groupIndex === 0 ? update : null,
      };
      const object = 'object' in change ? { ...change, repeat: null } : null;
      return batch.add(this.nextPosition + groupIndex, record, encodeRecord(record), object);
    });
    batch.end();
    return this.take(entry, { changes: numbered, update }, writes);
  }

  /**
   * Takes a group under the numbers that another server gave it, each record as it came (REP-4); then as `append`.
   * @param update what those who follow the document are told.
   * @param objects what is known of the records that are objects, by their place in the group.
   */
  appendReceived(
    { serverId, records }: ReceivedGroup,
    update: Uint8Array | null,
    objects: readonly (LoggedObject | null)[],
    { nowMs, isUnfinished }: { nowMs: number; isUnfinished: boolean },
  ): Appended {
    const kind = records.find((record) => record.kind === 'session' || record.kind === 'closing')?.kind;
    const user = records[0]?.origin.user ?? '';
    const first = { kind, serverId, timeMs: nowMs, user, isUnfinished, position: this.nextPosition };
    const entry = this.entry.with(first);
    const writes = this.firstWrites(entry);
    const batch = new GroupBatch(this.keys, writes);
    const changes = records.map((record, groupIndex) =>
      batch.add(this.nextPosition + groupIndex, record, record.bytes, objects[groupIndex] ?? null),
    );
    batch.end();
    return this.take(entry, { changes, update }, writes);
  }

  private firstWrites({ writes }: EntryChange): Write[] {
    return this.nextPosition > 1 ? [...writes] : [...writes, writeIndexMark(this.keys, 1, this.serverId)];
  }

  private take(entry: EntryChange, group: Group, writes: Write[]): Appended {
    const { changes } = group;
    // Only now, when nothing can fail any more: a number that was taken and not used would be a hole.
    this.entry.take(entry);
    this.nextPosition += changes.length;
    for (const { serverId, seqno } of changes) this.numbered.set(serverId, seqno);
    if (changes.some(({ repeat }) => repeat)) this.reader.hasRepeats = true;
    return { group, writes };
  }

  /** Something was put back that makes others of their uuid repeats, or is one (REP-6). */
  noteRepeats(): void {
    this.reader.hasRepeats = true;
  }

  /**
   * Empty changes of this server at positions where nothing is, rising and behind none of its own; else as `append`.
   * @param update one that says nothing.
   */
  fill(
    positions: readonly number[],
    { update, timeMs }: { readonly update: Uint8Array; readonly timeMs: number },
  ): { changes: readonly Change[]; writes: Write[] } {
    const writes: Write[] = [];
    const batch = new GroupBatch(this.keys, writes);
    const origin = { protocol: 'server', user: '' } as const;
    const changes = positions.map((position, index): Change => {
      const seqno = this.nextSeqno + index;
      const place = { serverId: this.serverId, seqno, groupIndex: 0, groupSize: 1 };
      const record = { ...place, timeMs, origin, kind: 'update' as const, object: null, update };
      return batch.add(position, record, encodeRecord(record), null);
    });
    for (const { serverId, seqno } of changes) this.numbered.set(serverId, seqno);
    batch.end();
    return { changes, writes };
  }

  /** What was filled is durable. */
  settleFilled(changes: readonly Change[]): void {
    const vector = new Map(this.durable.vector);
    for (const { serverId, seqno } of changes) vector.set(serverId, seqno);
    this.durable = { position: this.durable.position, vector };
  }

  /**
   * What the catalogue is to say of damage when some of what was lost is back: nothing any more, if what is stored says by itself how
   * far the log went. Null if it says that already.
   */
  async lessDamage(): Promise<{ write: Write; settle: () => void } | null> {
    const { info } = this.entry;
    if (!info?.damage) return null;
    const { damage, position, vector } = await recoverHeads(this.store, this.keys, undefined, undefined);
    const isWhole =
      damage === null &&
      position === this.durable.position &&
      [...this.durable.vector].every(([serverId, seqno]) => vector.get(serverId) === seqno);
    if (isWhole) return this.describe({ ...info, damage: undefined });
    const known = await recoverHeads(this.store, this.keys, info.damage, undefined);
    const missing = missingIn(known);
    if (known.damage !== null || missing >= info.damage.missing) return null;
    return this.describe({ ...info, damage: { ...info.damage, missing } });
  }

  /** How far the log goes with what is numbered and not durable yet. */
  appended(): { position: number; vector: VersionVector } {
    return { position: this.nextPosition - 1, vector: this.numbered };
  }

  private get nextSeqno(): number {
    return (this.numbered.get(this.serverId) ?? 0) + 1;
  }

  /** These groups are durable: they may be shown. */
  settle(...groups: readonly Group[]): void {
    const vector = new Map(this.durable.vector);
    let { position } = this.durable;
    for (const { changes } of groups)
      for (const change of changes) {
        vector.set(change.serverId, change.seqno);
        ({ position } = change);
      }
    this.durable = { position, vector };
  }

  /** What the catalogue is to say when these records are back, by position; null if it says that already. */
  describeWith(records: ReadonlyMap<number, LogRecord>): { write: Write; settle: () => void } | null {
    return this.entry.describeWith(records);
  }

  /** What puts a project into the catalogue whose log is there already. */
  enter(info: ProjectInfo): { writes: Write[]; settle: () => void } {
    return this.entry.enter(info);
  }

  /** Has the catalogue say something else of the project; `settle` when the write is durable. */
  describe(info: ProjectInfo): { write: Write; settle: () => void } {
    return this.entry.describe(info);
  }

  /** Whether a durable object of this kind has the version uuid. In a damaged log one that can't be read hasn't. */
  async hasObject(kind: ObjectKind, versionUuid: string): Promise<boolean> {
    if (!this.isDamaged) return (await this.store.get(this.keys.uuid(kind, versionUuid))) !== undefined;
    return (await this.objectOf(kind, versionUuid)) !== null; // its author may send it again
  }

  /** The first durable object of this kind with the version uuid; null if there is none that can be read. */
  objectOf(kind: ObjectKind, versionUuid: string): Promise<Json> {
    return findObject(this.store, this.keys, kind, versionUuid);
  }

  /** See `positionBehind`. */
  positionOf(since: VersionVector): Promise<number> {
    return positionBehind(this.store, this.keys, this.durable, since);
  }

  /** From which position on the index can be relied on; null if it can't be. */
  async indexedFrom(): Promise<number | null> {
    return this.isDamaged ? null : readIndexMark(this.store, this.keys, this.serverId);
  }

  /** See LogReader. */
  readAt(positions: readonly number[], needed?: NeededParts): Promise<Change[]> {
    return this.reader.readAt(positions, needed);
  }

  read(first: number, last: number, needed?: NeededParts): AsyncIterable<readonly Change[]> {
    return this.reader.read(first, last, needed);
  }

  readRecords(first: number, last: number): AsyncIterable<readonly StoredRecord[]> {
    return this.reader.readRecords(first, last);
  }
}

function noHeads(): Heads {
  return { position: 0, vector: new Map() };
}
