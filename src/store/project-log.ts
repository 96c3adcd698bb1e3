// The log of one project: an append-only sequence of changes, numbered by position and, per server id, by seqno.
// It numbers what is appended and reads history; writing the batches and waiting for the disk is its owner's matter.

import { RejoinError } from '../errors.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { Match } from '../model/selection.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { seal, unseal } from './digest.ts';
import { readIndexMark, writeIndexMark } from './index-marks.ts';
import { ProjectKeys, number, readLastNumber, readNumber, unfinishedKey } from './keys.ts';
import { GroupPostings } from './postings.ts';
import { readProjectInfo, writeProjectInfo, type ProjectInfo } from './project-info.ts';
import { decodeRecord, encodeRecord, type LogRecord, type NeededParts } from './record.ts';
import { missingIn, recoverHeads, type Heads } from './recover-heads.ts';
import type { Store, Write } from './store.ts';
import type { WitnessedHeads } from './witnessed-heads.ts';

/** A change with its place in this server's log. */
export interface Change extends LogRecord {
  readonly position: number;
  /** Of an object: what it can be selected by. Only while the change is in memory since it was made. */
  readonly matches?: readonly Match[];
}

/** The changes of one Yjs update: written, shown and, later, replicated whole or not at all. Never empty. */
export interface Group {
  readonly changes: readonly Change[];
  readonly update: Uint8Array;
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
  /** How far the log is durable. Nothing beyond it may be shown. */
  private durable: Heads;
  private nextPosition: number;
  private nextSeqno: number;

  private constructor(
    private readonly store: Store,
    readonly project: string,
    private readonly serverId: number,
    private currentInfo: ProjectInfo | undefined,
    heads: Heads,
    /** What the log has lost and nobody knew before, in a sentence: no number may be given until `accept`. */
    readonly newDamage: string | null,
  ) {
    this.keys = new ProjectKeys(project);
    this.durable = heads;
    this.nextPosition = heads.position + 1;
    this.nextSeqno = (heads.vector.get(serverId) ?? 0) + 1;
  }

  /**
   * Opens the log and recovers its heads. A project that doesn't exist has an empty one.
   * @param witnessed what the witness knows of it.
   * @throws RejoinError `damaged` if the catalogue doesn't know the project, though it has a log: it may have been deleted.
   */
  static async open(
    store: Store,
    project: string,
    serverId: number,
    witnessed?: WitnessedHeads,
  ): Promise<ProjectLog> {
    const keys = new ProjectKeys(project);
    const info = await readProjectInfo(store, project);
    const { damage, ...heads } = await recoverHeads(store, keys, info?.damage, witnessed);
    const about = `Project ${JSON.stringify(project)} is damaged`;
    if (!info && (heads.position > 0 || heads.vector.size > 0))
      throw new RejoinError(
        'damaged',
        `${about}: the catalogue has lost its entry, and it may have been deleted`,
      );
    return new ProjectLog(store, project, serverId, info, heads, damage && `${about}: ${damage}`);
  }

  /** What the catalogue says, or undefined while the project doesn't exist. */
  get info(): ProjectInfo | undefined {
    return this.currentInfo;
  }

  get durablePosition(): number {
    return this.durable.position;
  }

  /** The highest durable seqno per server id. */
  get durableVector(): VersionVector {
    return this.durable.vector;
  }

  /** Whether something of it is known to be lost. */
  get isDamaged(): boolean {
    return this.newDamage !== null || this.currentInfo?.damage !== undefined;
  }

  /** What makes the damage known, so that it is found once: the log goes on behind all that was ever given. */
  noteDamage(foundMs: number): Write {
    const { position, vector } = this.durable;
    const damage = {
      foundMs,
      detail: this.newDamage ?? '',
      position,
      vector: [...vector].map(([id, seqno]): [number, number] => [id, seqno]),
      missing: missingIn(this.durable),
    };
    return writeProjectInfo(this.project, {
      createdMs: foundMs,
      session: null,
      tombstone: null,
      ...this.currentInfo,
      damage,
    });
  }

  /**
   * Numbers a group. Its writes must reach the store in the order of the calls, and `settle` must be called when they
   * are durable.
   */
  append({ origin, timeMs, update, changes, isUnfinished = false }: NewGroup): {
    group: Group;
    writes: Write[];
  } {
    const writes: Write[] = [];
    let info = this.currentInfo;
    if (!info && isUnfinished) {
      if (this.nextPosition === 1)
        writes.push({
          key: unfinishedKey(this.project),
          value: seal(unfinishedKey(this.project), new Uint8Array()),
        });
    } else if (!info) {
      const isSession = changes[0]?.kind === 'session' || changes[0]?.kind === 'closing';
      const session = isSession ? { serverId: this.serverId, user: origin.user } : null;
      info = { createdMs: timeMs, session, tombstone: null };
      writes.push(writeProjectInfo(this.project, info));
      if (this.nextPosition > 1) writes.push({ key: unfinishedKey(this.project), value: null });
    }
    if (this.nextPosition === 1) writes.push(writeIndexMark(this.keys, 1, this.serverId));
    const postings = new GroupPostings();
    const numbered = changes.map((change, groupIndex): Change => {
      const position = this.nextPosition + groupIndex;
      const seqno = this.nextSeqno + groupIndex;
      const place = { position, serverId: this.serverId, seqno, groupIndex, groupSize: changes.length };
      const object = 'object' in change ? change.object : null;
      const record = {
        ...place,
        timeMs,
        origin,
        kind: change.kind,
        object,
        update: groupIndex === 0 ? update : null,
      };
      const at = number(position);
      const sequenceKey = this.keys.sequence(this.serverId, seqno);
      writes.push({ key: this.keys.record(position), value: encodeRecord(record) });
      writes.push({ key: sequenceKey, value: seal(sequenceKey, at) });
      if ('object' in change) {
        const uuidKey = this.keys.uuid(change.kind, change.versionUuid);
        writes.push({ key: uuidKey, value: seal(uuidKey, at) });
        postings.add(change.kind, change.matches, position);
        return { ...record, matches: change.matches };
      }
      return record;
    });
    writes.push(...postings.writes(this.keys));
    // Only now, when nothing can fail any more: a number that was taken and not used would be a hole.
    this.currentInfo = info;
    this.nextPosition += changes.length;
    this.nextSeqno += changes.length;
    return { group: { changes: numbered, update }, writes };
  }

  /** How far the log goes with what is numbered and not durable yet. */
  appended(): { position: number; vector: VersionVector } {
    const vector = new Map(this.durable.vector);
    if (this.nextSeqno > 1) vector.set(this.serverId, this.nextSeqno - 1);
    return { position: this.nextPosition - 1, vector };
  }

  /** The group is durable: it may be shown. */
  settle(group: Group): void {
    const vector = new Map(this.durable.vector);
    for (const { serverId, seqno } of group.changes) vector.set(serverId, seqno);
    this.durable = { position: group.changes.at(-1)?.position ?? this.durable.position, vector };
  }

  /** What deletes the project and keeps its numbers (REP-14); `settle` when the write is durable. */
  bury(deletedMs: number): { write: Write; settle: () => void } {
    const vector = [...this.durable.vector].map(([id, seqno]): [number, number] => [id, seqno]);
    const info = {
      createdMs: deletedMs,
      session: null,
      ...this.currentInfo,
      tombstone: { deletedMs, vector },
    };
    const settle = (): void => {
      this.currentInfo = info;
    };
    return { write: writeProjectInfo(this.project, info), settle };
  }

  /** Whether a durable object of this kind has the version uuid. In a damaged log one that can't be read hasn't. */
  async hasObject(kind: ObjectKind, versionUuid: string): Promise<boolean> {
    const key = this.keys.uuid(kind, versionUuid);
    const sealed = await this.store.get(key);
    if (!sealed || !this.isDamaged) return sealed !== undefined;
    try {
      const record = await this.store.get(this.keys.record(readNumber(unseal(key, sealed))));
      return record !== undefined && decodeRecord(record).object !== null;
    } catch (error) {
      if (error instanceof RejoinError && error.code === 'damaged') return false; // its author may send it again
      throw error;
    }
  }

  /**
   * The position after which everything comes that a client lacks who knows `since`: the highest seqno per server,
   * exclusive (WS-4). Some of what follows it may be known to the client.
   */
  async positionOf(since: VersionVector): Promise<number> {
    let after = this.durable.position;
    for (const [serverId, head] of this.durable.vector) {
      const known = since.get(serverId) ?? 0;
      if (known >= head) continue;
      const key = this.keys.sequence(serverId, known + 1);
      const sealed = await this.store.get(key);
      if (!sealed) return 0; // lost: the reader goes through all of the log, and meets the hole if there is one
      after = Math.min(after, readNumber(unseal(key, sealed)) - 1);
    }
    return after;
  }

  /** From which position on the index can be relied on; null if it can't be. */
  async indexedFrom(): Promise<number | null> {
    return this.isDamaged ? null : readIndexMark(this.store, this.keys, this.serverId);
  }

  /**
   * The changes at these positions, in their order.
   * @throws RejoinError `damaged` if one is missing or fails its checksum.
   */
  readAt(positions: readonly number[], needed: NeededParts = 'all'): Promise<Change[]> {
    return Promise.all(
      positions.map(async (position): Promise<Change> => {
        const value = await this.store.get(this.keys.record(position));
        if (!value) throw this.hole(`the change at position ${position} is missing`);
        return { ...this.decode(position, value, needed), position };
      }),
    );
  }

  /**
   * The changes from one position to another, both included, in pages of bounded size.
   * @throws RejoinError `damaged` at the first change that is missing or fails its checksum.
   */
  async *read(first: number, last: number, needed: NeededParts = 'all'): AsyncGenerator<readonly Change[]> {
    let expected = first;
    const seqnos = new Map<number, number>();
    for await (const page of this.store.scan(this.keys.records(first, last))) {
      yield page.map(({ key, value }) => {
        const position = readLastNumber(key);
        if (position !== expected) throw this.hole(`the change at position ${expected} is missing`);
        expected++;
        const change = { ...this.decode(position, value, needed), position };
        // The key is not in the record's checksum: its number says whether it belongs here.
        const { serverId, seqno } = change;
        if ((seqnos.get(serverId) ?? seqno - 1) !== seqno - 1)
          throw this.hole(
            `the change at position ${position} is not [${serverId}, ${(seqnos.get(serverId) ?? 0) + 1}]`,
          );
        seqnos.set(serverId, seqno);
        return change;
      });
    }
    if (expected <= last) throw this.hole(`the change at position ${expected} is missing`);
  }

  private decode(position: number, value: Uint8Array, needed: NeededParts): LogRecord {
    try {
      return decodeRecord(value, needed);
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      throw this.hole(`at position ${position}: ${error.message}`, error);
    }
  }

  private hole(problem: string, cause?: unknown): RejoinError {
    return new RejoinError('damaged', `Project ${JSON.stringify(this.project)} is damaged: ${problem}`, {
      cause,
    });
  }
}
