// The log of one project: an append-only sequence of changes, numbered by position and, per server id, by seqno.
// It numbers what is appended and reads history; writing the batches and waiting for the disk is its owner's matter.

import { RejoinError } from '../errors.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { seal, unseal } from './digest.ts';
import { ProjectKeys, number, readLastNumber, readNumber, readSequenceKey } from './keys.ts';
import { readProjectInfo, writeProjectInfo, type ProjectInfo } from './project-info.ts';
import { decodeRecord, encodeRecord, type LogRecord } from './record.ts';
import { firstOf, type Store, type Write } from './store.ts';

/** A change with its place in this server's log. */
export interface Change extends LogRecord {
  readonly position: number;
}

/** The changes of one Yjs update: written, shown and, later, replicated whole or not at all. Never empty. */
export interface Group {
  readonly changes: readonly Change[];
  readonly update: Uint8Array;
}

export type NewChange =
  | { readonly kind: 'update' | 'udt' | 'session' }
  | { readonly kind: ObjectKind; readonly versionUuid: string; readonly object: Uint8Array };

export interface NewGroup {
  readonly origin: Origin;
  readonly timeMs: number;
  readonly update: Uint8Array;
  readonly changes: readonly NewChange[];
}

export class ProjectLog {
  readonly keys: ProjectKeys;
  /** How far the log is durable. Nothing beyond it may be shown. */
  private durable: { position: number; vector: Map<number, number> };
  private nextPosition: number;
  private nextSeqno: number;

  private constructor(
    private readonly store: Store,
    readonly project: string,
    private readonly serverId: number,
    private currentInfo: ProjectInfo | undefined,
    heads: { position: number; vector: Map<number, number> },
    /** What is wrong with the stored log, in a sentence; null if nothing is known to be. */
    readonly damage: string | null,
  ) {
    this.keys = new ProjectKeys(project);
    this.durable = heads;
    this.nextPosition = heads.position + 1;
    this.nextSeqno = (heads.vector.get(serverId) ?? 0) + 1;
  }

  /** Opens the log and recovers its heads. A project that doesn't exist has an empty one. */
  static async open(store: Store, project: string, serverId: number): Promise<ProjectLog> {
    const keys = new ProjectKeys(project);
    const info = await readProjectInfo(store, project);
    const last = await firstOf(store, { ...keys.allRecords(), reverse: true });
    const position = last ? readLastNumber(last.key) : 0;
    const vector = await recoverVector(store, keys);
    const count = [...vector.values()].reduce((sum, seqno) => sum + seqno, 0);
    // Positions and seqnos are dense and every change has one of each: the sums can only differ if some are lost.
    const damage =
      count === position
        ? null
        : `Project ${JSON.stringify(project)} is damaged: its log ends at position ${position}, its servers' heads count ${count} changes`;
    return new ProjectLog(store, project, serverId, info, { position, vector }, damage);
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

  /**
   * Numbers a group. Its writes must reach the store in the order of the calls, and `settle` must be called when they
   * are durable.
   */
  append({ origin, timeMs, update, changes }: NewGroup): { group: Group; writes: Write[] } {
    const writes: Write[] = [];
    let info = this.currentInfo;
    if (!info) {
      const session = changes[0]?.kind === 'session' ? { serverId: this.serverId, user: origin.user } : null;
      info = { createdMs: timeMs, session, tombstone: null };
      writes.push(writeProjectInfo(this.project, info));
    }
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
      }
      return record;
    });
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

  /** Whether a durable object of this kind has the version uuid. */
  async hasObject(kind: ObjectKind, versionUuid: string): Promise<boolean> {
    return (await this.store.get(this.keys.uuid(kind, versionUuid))) !== undefined;
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
      if (!sealed) throw this.hole(`the place of change [${serverId}, ${known + 1}] is not recorded`);
      after = Math.min(after, readNumber(unseal(key, sealed)) - 1);
    }
    return after;
  }

  /**
   * The changes from one position to another, both included, in pages of bounded size.
   * @throws RejoinError `damaged` at the first change that is missing or fails its checksum.
   */
  async *read(first: number, last: number): AsyncGenerator<readonly Change[]> {
    let expected = first;
    for await (const page of this.store.scan(this.keys.records(first, last))) {
      yield page.map(({ key, value }) => {
        const position = readLastNumber(key);
        if (position !== expected) throw this.hole(`the change at position ${expected} is missing`);
        expected++;
        return { ...this.decode(position, value), position };
      });
    }
    if (expected <= last) throw this.hole(`the change at position ${expected} is missing`);
  }

  private decode(position: number, value: Uint8Array): LogRecord {
    try {
      return decodeRecord(value);
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

/** The highest seqno per server id: one seek for each. */
async function recoverVector(store: Store, keys: ProjectKeys): Promise<Map<number, number>> {
  const vector = new Map<number, number>();
  let below: number | null = null;
  for (;;) {
    const last = await firstOf(store, { ...keys.sequencesBelow(below), reverse: true });
    if (!last) return vector;
    const { serverId, seqno } = readSequenceKey(last.key);
    vector.set(serverId, seqno);
    below = serverId;
  }
}
