// A small, honest model of a server's core for tests of links: per project a list of records in the order of arrival. It
// becomes durable a moment after it was written, as on a disk, and the model notes whatever a link must not do.

import { RejoinError } from '../../src/errors.ts';
import type { KeptSnapshot } from '../../src/model/kept-snapshot.ts';
import type { VersionVector } from '../../src/model/version-vector.ts';
import type {
  Accepted,
  CatalogueEntry,
  Meeting,
  ReadGroups,
  ReceivedGroups,
  ReplicaReader,
  Repaired,
  ResumedReceipt,
  Replicas,
  SeqnoRange,
  SnapshotReceipt,
} from '../../src/replication/replicas-port.ts';
import { checksumOf } from '../../src/store/digest.ts';
import { vectorOfRecords } from '../../src/core/record-vector.ts';
import { decodeRecord, encodeRecord, type LogRecord } from '../../src/store/record.ts';
import type { Standing } from '../../src/model/standing.ts';
import type { SimulatedTime } from './simulated-time.ts';

export interface ModelRecord {
  readonly bytes: Uint8Array;
  readonly record: LogRecord;
  /** Of all bytes. */
  readonly checksum: Uint8Array;
}

interface ModelProject {
  lifecycle: number;
  /** Durable, whole groups. */
  readonly log: ModelRecord[];
  readonly heads: Map<number, ModelRecord>;
  /** What is numbered: the durable part, and what is being written. */
  readonly numbered: Map<number, number>;
  /** When what was written last becomes durable. */
  durableMs: number;
  /** What accepts one after the other. */
  accepting: Promise<unknown>;
  /** Of a snapshot that was cut off. */
  arrival: ModelArrival | null;
}

interface ModelArrival {
  readonly name: Uint8Array;
  pieces: number;
  readonly records: Uint8Array[];
}

export interface ModelOptions {
  /** Records in one batch of a reader, at least; whole groups. */
  readonly batchRecords: number;
  readonly pageProjects: number;
  /** How long a read takes. */
  readonly readMs: number;
  /** How long it takes until something is durable. */
  readonly syncMs: () => number;
  readonly isReplicated?: (project: string) => boolean;
  /** Whether who has nothing of a project is given a snapshot of it (REP-7). */
  readonly givesSnapshots?: boolean;
}

export class ModelReplicas implements Replicas {
  readonly projects = new Map<string, ModelProject>();
  /** What links did wrong. */
  readonly faults: string[] = [];
  readonly renewals: string[] = [];
  private readonly lifeListeners = new Set<() => void>();
  openReaders = 0;
  openReceipts = 0;
  snapshotsTaken = 0;
  mostReaders = 0;
  /** Makes `accept` fail. */
  failsToAccept: (project: string) => RejoinError | null = () => null;
  /** Makes reading fail. */
  failsToRead: (project: string) => RejoinError | null = () => null;
  private readonly listeners = new Set<(project: string, isLifecycle: boolean) => void>();
  private readonly lostListeners = new Set<(project: string) => void>();
  private readonly lent = new Set<string>();
  /** Of each project the lost seqnos, with their server and place. */
  private readonly wanted = new Map<string, Map<number, { serverId: number; at: number }>>();
  /** Who has sent what was to be put back. */
  readonly repairsFrom: number[] = [];

  constructor(
    public serverId: number,
    readonly time: SimulatedTime,
    private readonly options: ModelOptions,
  ) {}

  /** Appends a group of one's own. Resolves when it is durable. */
  async write(id: string, changes: number, bytesEach = 10): Promise<void> {
    const project = this.projectOf(id);
    const first = (project.numbered.get(this.serverId) ?? 0) + 1;
    const deps = JSON.stringify([...project.numbered]);
    const records = Array.from({ length: changes }, (_, groupIndex) => {
      const record: LogRecord = {
        serverId: this.serverId,
        seqno: first + groupIndex,
        groupIndex,
        groupSize: changes,
        timeMs: this.time.nowMs,
        origin: { protocol: 'server', user: deps },
        kind: 'update',
        object: null,
        update: groupIndex === 0 ? new Uint8Array(bytesEach) : null,
      };
      return modelRecord(encodeRecord(record), record);
    });
    project.numbered.set(this.serverId, first + changes - 1);
    await this.append(id, project, records);
  }

  /** Deletes the project, or brings it back. */
  setLifecycle(id: string, lifecycle: number): void {
    this.projectOf(id).lifecycle = lifecycle;
    this.tell(id, true);
  }

  async catalogue(after: string | null): Promise<readonly CatalogueEntry[]> {
    await this.time.passes(0);
    const ids = [...this.projects]
      .filter(([id, { log, lifecycle }]) => (log.length > 0 || lifecycle > 0) && this.isReplicated(id))
      .map(([id]) => Buffer.from(id))
      .sort((a, b) => Buffer.compare(a, b));
    const behind = ids.filter((id) => after === null || Buffer.compare(id, Buffer.from(after)) > 0);
    return behind.slice(0, this.options.pageProjects).map((id) => {
      const project = id.toString();
      return { project, digest: this.digestOf(project) };
    });
  }

  isReplicated(project: string): boolean {
    return this.options.isReplicated?.(project) ?? true;
  }

  digest(project: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.projects.has(project) ? this.digestOf(project) : null);
  }

  async standing(id: string): Promise<Standing> {
    await this.time.passes(0);
    return this.standingOf(id);
  }

  async meet(id: string, theirs: Standing): Promise<Meeting> {
    await this.time.passes(0);
    for (const { serverId, seqno, checksum } of theirs.heads) {
      const own = this.projects.get(id)?.log.find(({ record }) => isNumbered(record, serverId, seqno));
      if (own && Buffer.compare(own.checksum, checksum) !== 0) throw twoContents(id, { serverId, seqno });
    }
    const project = this.projectOf(id);
    if (theirs.lifecycle > project.lifecycle) {
      project.lifecycle = theirs.lifecycle;
      this.tell(id);
    }
    const vector = this.vectorOf(id);
    const isDeleted = project.lifecycle % 2 === 1;
    const theirVector = new Map(theirs.heads.map(({ serverId, seqno }) => [serverId, seqno]));
    return {
      lacks: !isDeleted && theirs.heads.some(({ serverId, seqno }) => seqno > (vector.get(serverId) ?? 0)),
      has: !isDeleted && [...vector].some(([serverId, seqno]) => seqno > (theirVector.get(serverId) ?? 0)),
      vector,
    };
  }

  async open(id: string, known: VersionVector, kept: KeptSnapshot | null): Promise<ReplicaReader> {
    await this.time.passes(1);
    const project = this.projectOf(id);
    if (project.lifecycle % 2 === 1) throw new RejoinError('deleted', `${id} is deleted`);
    this.mostReaders = Math.max(this.mostReaders, ++this.openReaders);
    const reader = new ModelReader(this, project, id, known, this.options);
    if (this.options.givesSnapshots === true && known.size === 0 && project.log.length > 0)
      reader.beginSnapshot(nameOfSnapshot(this.serverId), kept);
    return reader;
  }

  accept(id: string, { records }: ReceivedGroups): Promise<Accepted> {
    const project = this.projectOf(id);
    const accepted = project.accepting.then(async (): Promise<Accepted> => {
      await this.time.passes(1);
      const failure = this.failsToAccept(id);
      if (failure) throw failure;
      if (project.lifecycle % 2 === 1) return { type: 'accepted', changes: 0 }; // it takes nothing
      return this.take(id, project, records);
    });
    project.accepting = accepted.catch(() => undefined);
    return accepted;
  }

  /** Takes the records that go with it when all of it is there. */
  receiveSnapshot(id: string): Promise<SnapshotReceipt> {
    return Promise.resolve(this.receiptOf(id, null));
  }

  async resumeSnapshot(id: string): Promise<ResumedReceipt | null> {
    await this.time.passes(1);
    const project = this.projects.get(id);
    const arrival = project?.arrival;
    if (!project || !arrival) return null;
    project.arrival = null;
    const { name, pieces, records } = arrival;
    return { kept: { name, pieces, vector: vectorOfRecords(records) }, receipt: this.receiptOf(id, arrival) };
  }

  private receiptOf(id: string, kept: ModelArrival | null): SnapshotReceipt {
    this.openReceipts++;
    const project = this.projectOf(id);
    let arrival: ModelArrival | null = null;
    return {
      add: async ({ name = new Uint8Array(), isFirst, isLast, piece, records }) => {
        if (isFirst) arrival = { name, pieces: 0, records: [] };
        else if (!arrival && kept && isEqual(name, kept.name)) {
          arrival = kept;
          kept = null;
        }
        if (!arrival) return { type: 'gap', detail: 'a part of a snapshot came without its beginning' };
        if (!isEqual(name, arrival.name)) this.faults.push(`${id}: parts of two snapshots in one`);
        if (piece.length > 0) arrival.pieces++;
        arrival.records.push(...records.map((record) => new Uint8Array(record)));
        if (!isLast) return { type: 'accepted', changes: 0 };
        this.snapshotsTaken++;
        const whole = arrival;
        arrival = null;
        if (whole.pieces !== 1) this.faults.push(`${id}: ${whole.pieces} of 1 piece came`);
        return this.accept(id, { records: whole.records, isUnfinished: false });
      },
      close: () => {
        this.openReceipts--;
        const left = arrival && arrival.name.length > 0 ? arrival : kept;
        if (left) project.arrival = left;
      },
    };
  }

  listen(moved: (project: string, isLifecycle: boolean) => void): () => void {
    this.listeners.add(moved);
    return () => this.listeners.delete(moved);
  }

  renewLife(reason: string): Promise<void> {
    this.renewals.push(reason);
    this.serverId += 1_000;
    for (const renewed of [...this.lifeListeners]) renewed();
    return Promise.resolve();
  }

  listenLives(renewed: () => void): () => void {
    this.lifeListeners.add(renewed);
    return () => this.lifeListeners.delete(renewed);
  }

  /** What tells the records of a project from others, in the order of their numbers. */
  recordsOf(id: string): string[] {
    const log = [...(this.projects.get(id)?.log ?? [])];
    log.sort((a, b) => a.record.serverId - b.record.serverId || a.record.seqno - b.record.seqno);
    return log.map(
      ({ record, checksum }) => `${record.serverId} ${record.seqno} ${Buffer.from(checksum).toString('hex')}`,
    );
  }

  /** As they are stored, in the order of the log. */
  bytesOf(id: string): Uint8Array[] {
    return (this.projects.get(id)?.log ?? []).map(({ bytes }) => bytes);
  }

  vectorOf(id: string): Map<number, number> {
    const heads = this.projects.get(id)?.heads ?? new Map<number, ModelRecord>();
    return new Map([...heads].map(([serverId, { record }]) => [serverId, record.seqno]));
  }

  // ---- what was lost

  /** Loses a record: what lies in its place is nothing that anybody can use. */
  lose(id: string, serverId: number, seqno: number): void {
    const { log } = this.projectOf(id);
    const at = log.findIndex(({ record }) => isNumbered(record, serverId, seqno));
    const record = log[at]?.record;
    if (!record) throw new RangeError(`${id} has no [${serverId}, ${seqno}]`);
    log[at] = { bytes: new Uint8Array(), record, checksum: new Uint8Array() };
    this.lostOf(id).set(seqno, { serverId, at });
    this.tellLost(id);
  }

  listenLost(wanted: (project: string) => void): () => void {
    this.lostListeners.add(wanted);
    for (const [id, { size }] of this.wanted) if (size > 0) wanted(id);
    return () => this.lostListeners.delete(wanted);
  }

  borrowLost(id: string): (() => void) | null {
    if (this.lent.has(id)) return null;
    this.lent.add(id);
    return () => {
      this.lent.delete(id);
      if (this.lostOf(id).size > 0) this.tellLost(id);
    };
  }

  async lost(id: string): Promise<readonly SeqnoRange[]> {
    await this.time.passes(0);
    const ranges: { serverId: number; first: number; last: number }[] = [];
    for (const [seqno, { serverId }] of [...this.lostOf(id)].sort(([a], [b]) => a - b)) {
      const range = ranges.find((each) => each.serverId === serverId && each.last === seqno - 1);
      if (range) range.last = seqno;
      else ranges.push({ serverId, first: seqno, last: seqno });
    }
    return ranges;
  }

  async repair(id: string, records: readonly Uint8Array[], from: number): Promise<Repaired> {
    this.repairsFrom.push(from);
    await this.time.passes(this.options.syncMs());
    const { log } = this.projectOf(id);
    let changes = 0;
    for (const bytes of records) {
      const record = decodeRecord(bytes);
      const place = this.lostOf(id).get(record.seqno);
      if (place?.serverId !== record.serverId) continue;
      log[place.at] = modelRecord(new Uint8Array(bytes), record);
      this.lostOf(id).delete(record.seqno);
      changes++;
    }
    return { changes, missing: this.lostOf(id).size };
  }

  async finishRepair(id: string): Promise<Repaired> {
    await this.time.passes(0);
    return { changes: 0, missing: this.lostOf(id).size };
  }

  async *read(id: string, { serverId, first, last }: SeqnoRange): AsyncGenerator<readonly Uint8Array[]> {
    for (let seqno = first; seqno <= last; seqno++) {
      await this.time.passes(this.options.readMs);
      const found = this.projects.get(id)?.log.find(({ record }) => isNumbered(record, serverId, seqno));
      if (found && found.bytes.length > 0) yield [found.bytes];
    }
  }

  private lostOf(id: string): Map<number, { serverId: number; at: number }> {
    const lost = this.wanted.get(id) ?? new Map<number, { serverId: number; at: number }>();
    this.wanted.set(id, lost);
    return lost;
  }

  private tellLost(id: string): void {
    for (const wanted of [...this.lostListeners]) wanted(id);
  }

  tell(id: string, isLifecycle = false): void {
    for (const moved of [...this.listeners]) moved(id, isLifecycle);
  }

  get listening(): number {
    return this.listeners.size + this.lifeListeners.size;
  }

  private async take(id: string, project: ModelProject, records: readonly Uint8Array[]): Promise<Accepted> {
    const taken: ModelRecord[] = [];
    for (const bytes of records) {
      const record = decodeRecord(bytes);
      const head = project.numbered.get(record.serverId) ?? 0;
      if (record.seqno <= head) {
        const own = project.log.find((each) => isNumbered(each.record, record.serverId, record.seqno));
        if (own && !isEqual(own.checksum, modelRecord(bytes, record).checksum)) throw twoContents(id, record);
        continue;
      }
      if (record.seqno > head + 1) {
        await this.append(id, project, taken);
        return { type: 'gap', detail: `${id}: ${record.seqno} of ${record.serverId} behind ${head}` };
      }
      project.numbered.set(record.serverId, record.seqno);
      taken.push(modelRecord(new Uint8Array(bytes), record));
    }
    if (taken[0] && taken[0].record.groupIndex !== 0) this.faults.push(`${id}: a group was torn`);
    await this.append(id, project, taken);
    return { type: 'accepted', changes: taken.length };
  }

  private async append(id: string, project: ModelProject, records: readonly ModelRecord[]): Promise<void> {
    if (records.length === 0) return;
    project.durableMs = Math.max(project.durableMs, this.time.nowMs + this.options.syncMs());
    await this.time.passes(project.durableMs - this.time.nowMs);
    for (const each of records) {
      for (const [serverId, seqno] of dependencies(each.record))
        if ((project.heads.get(serverId)?.record.seqno ?? 0) < seqno)
          this.faults.push(
            `${id}: ${each.record.seqno} of ${each.record.serverId} came before what it builds on`,
          );
      project.log.push(each);
      project.heads.set(each.record.serverId, each);
    }
    this.tell(id);
  }

  private standingOf(id: string): Standing {
    const project = this.projects.get(id);
    const heads = [...(project?.heads.values() ?? [])].map(({ checksum, record }) => ({
      serverId: record.serverId,
      seqno: record.seqno,
      checksum,
    }));
    return {
      lifecycle: project?.lifecycle ?? 0,
      deletedMs: 0,
      heads: heads.sort((a, b) => a.serverId - b.serverId),
    };
  }

  private digestOf(id: string): Uint8Array {
    const { lifecycle, heads } = this.standingOf(id);
    const counted = lifecycle % 2 === 1 ? [] : heads.map((head) => Object.values(head).join());
    return checksumOf(Buffer.from(JSON.stringify([lifecycle, counted])));
  }

  private projectOf(id: string): ModelProject {
    let project = this.projects.get(id);
    project ??= {
      lifecycle: 0,
      log: [],
      heads: new Map(),
      numbered: new Map(),
      durableMs: 0,
      accepting: Promise.resolve(),
      arrival: null,
    };
    this.projects.set(id, project);
    return project;
  }
}

class ModelReader implements ReplicaReader {
  private readonly known: Map<number, number>;
  private place = 0;
  private isClosed = false;
  /** Up to here the records go with a snapshot; null once all of it was given. */
  private snapshotEnd: number | null = null;
  private snapshotName = new Uint8Array();
  private isBegun = false;
  private isResumed = false;
  private wake = (): void => undefined;
  private readonly stopListening: () => void;

  constructor(
    private readonly replicas: ModelReplicas,
    private readonly project: ModelProject,
    private readonly id: string,
    known: VersionVector,
    private readonly options: ModelOptions,
  ) {
    this.known = new Map(known);
    this.stopListening = replicas.listen((moved) => moved === id && this.wake());
  }

  get isAtHead(): boolean {
    return this.place === this.project.log.length;
  }

  async next(): Promise<ReadGroups | null> {
    for (;;) {
      await this.replicas.time.passes(this.options.readMs);
      if (this.isClosed) return null;
      const failure = this.replicas.failsToRead(this.id);
      if (failure) throw failure;
      if (this.project.lifecycle % 2 === 1) throw new RejoinError('deleted', `${this.id} is deleted`);
      if (this.snapshotEnd !== null) return this.nextOfSnapshot(this.snapshotEnd);
      const records = this.read();
      if (records.length > 0) return { records, isUnfinished: false, vector: new Map(this.known) };
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  knows(vector: VersionVector): void {
    for (const [serverId, seqno] of vector)
      this.known.set(serverId, Math.max(seqno, this.known.get(serverId) ?? 0));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.replicas.openReaders--;
    this.stopListening();
    this.wake();
  }

  beginSnapshot(name: Uint8Array<ArrayBuffer>, kept: KeptSnapshot | null): void {
    this.snapshotEnd = this.project.log.length;
    this.snapshotName = name;
    if (!kept || !isEqual(kept.name, name)) return;
    this.isResumed = true;
    this.knows(kept.vector);
  }

  /** One piece, then the records; only with the last the other server has any. */
  private nextOfSnapshot(end: number): ReadGroups {
    const records = this.isBegun ? this.read() : [];
    const isFirst = !this.isBegun && !this.isResumed;
    this.isBegun = true;
    const isLast = this.place >= end;
    if (isLast) this.snapshotEnd = null;
    const piece = isFirst ? Uint8Array.of(1) : new Uint8Array();
    const vector = isLast ? new Map(this.known) : new Map<number, number>();
    const name = this.snapshotName;
    const snapshot = { isFirst, isLast, covers: new Map<number, number>(), piece, name };
    return { records, isUnfinished: false, vector, snapshot };
  }

  private read(): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (let next = this.project.log[this.place]; next; next = this.project.log[this.place]) {
      if (records.length >= this.options.batchRecords && next.record.groupIndex === 0) break;
      this.place++;
      const { serverId, seqno } = next.record;
      if (seqno <= (this.known.get(serverId) ?? 0)) continue;
      this.known.set(serverId, seqno);
      records.push(next.bytes);
    }
    return records;
  }
}

/** It is the same for ever: more records may go with it. */
function nameOfSnapshot(serverId: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(16).fill(serverId);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function modelRecord(bytes: Uint8Array, record: LogRecord): ModelRecord {
  return { bytes, record, checksum: checksumOf(bytes) };
}

/** What its server had when it wrote the change. */
function dependencies({ origin }: LogRecord): [serverId: number, seqno: number][] {
  return JSON.parse(origin.user) as [number, number][];
}

function isNumbered(record: LogRecord, serverId: number, seqno: number): boolean {
  return record.serverId === serverId && record.seqno === seqno;
}

function twoContents(id: string, number: { readonly serverId: number; readonly seqno: number }): RejoinError {
  return new RejoinError('conflict', `${id}: change ${number.seqno} of ${number.serverId} has two contents`);
}
