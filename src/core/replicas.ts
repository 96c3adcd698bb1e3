// All projects as other servers see them: what there is of each, what one of them lacks, and how it is given and taken. The
// links of src/replication use nothing else of the core.

import * as encoding from 'lib0/encoding';
import { RejoinError } from '../errors.ts';
import type { Head, Standing } from '../model/standing.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { digestOf, unseal } from '../store/digest.ts';
import { ProjectKeys, readNumber } from '../store/keys.ts';
import { lifecycleOf, readCatalogue, readProjectInfo, type ProjectInfo } from '../store/project-info.ts';
import { checksumIn, readGroups } from '../store/received-groups.ts';
import type { SeqnoRange } from '../store/missing-changes.ts';
import { readSequence } from '../store/read-sequence.ts';
import { headsOfPurged, recoverHeads } from '../store/recover-heads.ts';
import type { Accepted } from './project-replica.ts';
import type { Repaired } from './project-repair.ts';
import type { Projects } from './projects.ts';
import { recallEntry } from './recall-entry.ts';
import type { ReplicaReader } from './replica-reader.ts';
import type { SnapshotReceipt } from './snapshot-receipt.ts';

/** What two servers have of a project, seen from this one. */
export interface Meeting {
  /** Whether this server lacks something that the other one has. */
  readonly lacks: boolean;
  /** Whether the other one lacks something. */
  readonly has: boolean;
  /** What is durable here. */
  readonly vector: VersionVector;
}

export interface ReplicasOptions {
  /** Which projects are replicated; default: all. */
  readonly isReplicated?: (project: string) => boolean;
}

const entriesPerPage = 500;
const digestLength = 8;

export class Replicas {
  private readonly digests = new Map<string, Uint8Array>();
  /** Those whose digest is being made, and in which nothing has moved since that began. */
  private readonly digesting = new Map<string, object>();

  constructor(
    private readonly projects: Projects,
    private readonly options: ReplicasOptions = {},
  ) {
    projects.context.moved.listen((project) => {
      this.digests.delete(project);
      this.digesting.delete(project);
    });
  }

  /** Of the present life. */
  get serverId(): number {
    return this.projects.context.life.serverId;
  }

  isReplicated(project: string): boolean {
    return this.options.isReplicated?.(project) ?? true;
  }

  /** Takes a new life (REP-8, REP-9), unless the server id `left` is left already. */
  renewLife(reason: string, left: number): Promise<void> {
    return this.projects.context.renewLife(reason, left);
  }

  /** Calls back with each replicated project in which something became durable. @returns how to stop. */
  listen(moved: (project: string) => void): () => void {
    return this.projects.context.moved.listen((project) => {
      if (this.isReplicated(project)) moved(project);
    });
  }

  /**
   * A part of the catalogue, in the order of its keys, deleted projects too.
   * @param after the id behind which it begins; null begins with the first.
   * @returns nothing behind the last.
   */
  async catalogue(after: string | null): Promise<{ project: string; digest: Uint8Array }[]> {
    for (let from = after; ;) {
      const read = await this.reading(() => readCatalogue(this.projects.context.store, from, entriesPerPage));
      const page = [];
      for (const { project } of read) {
        if (!this.isReplicated(project)) continue;
        const digest = await this.digest(project);
        if (digest) page.push({ project, digest });
      }
      from = read.at(-1)?.project ?? null;
      if (page.length > 0 || from === null) return page;
    }
  }

  /** Tells two standings apart, 8 bytes; null if there is no such project here, or it can't be read. */
  async digest(project: string): Promise<Uint8Array | null> {
    const known = this.digests.get(project);
    if (known) return known;
    const token = {};
    this.digesting.set(project, token);
    try {
      const standing = await this.standing(project);
      if (standing.heads.length === 0 && standing.lifecycle === 0) return null;
      const digest = digestOfStanding(standing);
      if (this.digesting.get(project) === token) this.digests.set(project, digest);
      return digest;
    } catch (error) {
      if (error instanceof RejoinError && error.code === 'damaged') return null;
      throw error;
    } finally {
      if (this.digesting.get(project) === token) this.digesting.delete(project);
    }
  }

  /** What is durable here; of a project that doesn't exist, nothing. @throws RejoinError `damaged`, `unavailable`. */
  standing(project: string): Promise<Standing> {
    return this.reading(async () => {
      const info = await readProjectInfo(this.projects.context.store, project);
      if (!info) return { lifecycle: 0, deletedMs: 0, heads: [] };
      const vector = await this.vectorOf(project, info);
      const heads: Head[] = [];
      for (const [serverId, seqno] of [...vector].sort(([a], [b]) => a - b))
        heads.push({ serverId, seqno, checksum: await this.checksumOf(project, serverId, seqno) });
      return { lifecycle: lifecycleOf(info), deletedMs: info.tombstone?.deletedMs ?? 0, heads };
    });
  }

  /**
   * Compares what another server has with what is here. A higher lifecycle is taken over (REP-14); and a server that knows more
   * of our own sequence than we do makes us take a new life (REP-8).
   * @throws RejoinError `conflict` if one number has two contents: nothing can be exchanged then.
   */
  async meet(project: string, theirs: Standing): Promise<Meeting> {
    await recallEntry(this.projects, project, theirs);
    const before = await this.standing(project);
    if (theirs.lifecycle > before.lifecycle) await this.takeLifecycle(project, theirs);
    const ours = theirs.lifecycle > before.lifecycle ? await this.standing(project) : before;
    const vector = vectorIn(ours);
    const hasLifecycle = ours.lifecycle > theirs.lifecycle;
    if (ours.lifecycle % 2 === 1) return { lacks: false, has: hasLifecycle, vector };
    await this.leaveOwnSequence(project, theirs, vector);
    await this.checkSameContents(project, ours, theirs);
    const known = vectorIn(theirs);
    const isBehind = (one: VersionVector, other: VersionVector): boolean =>
      [...other].some(([serverId, seqno]) => seqno > (one.get(serverId) ?? 0));
    const theyMayWrite = theirs.lifecycle % 2 === 0;
    return {
      lacks: theyMayWrite && isBehind(vector, known),
      has: hasLifecycle || isBehind(known, vector),
      vector,
    };
  }

  /**
   * Reads what another server lacks, then what comes.
   * @param known what that server has.
   * @throws RejoinError `deleted`, `damaged`, `unavailable`.
   */
  async open(project: string, known: VersionVector): Promise<ReplicaReader> {
    const { project: opened, release } = await this.projects.acquire(project);
    try {
      return await opened.readFor(known, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Takes whole groups in the order of another server's log. Resolves when they are durable: see ProjectReplica.
   * @throws RejoinError `bad-request`, `damaged`, `undecodable`, `unavailable`, `outcome-unknown`.
   */
  accept(
    project: string,
    { records, isUnfinished }: { records: readonly Uint8Array[]; isUnfinished: boolean },
  ): Promise<Accepted> {
    const groups = readGroups(records);
    return this.projects.use(project, (opened) => opened.replica.accept(groups, isUnfinished));
  }

  /**
   * For a snapshot that another server sends, with the records that go with it (REP-7). It keeps the project open until it is
   * closed.
   * @throws RejoinError `damaged`, `unavailable`.
   */
  async receiveSnapshot(project: string): Promise<SnapshotReceipt> {
    const { project: opened, release } = await this.projects.acquire(project);
    return opened.arrivals.receive(release);
  }

  // ---- what was lost

  /**
   * Calls back with each replicated project that wants changes back which are lost here, also when it does so again.
   * @returns how to stop.
   */
  listenLost(wanted: (project: string) => void): () => void {
    const { context } = this.projects;
    context.wanted.find().catch(() => undefined); // the store fails: the next link looks again
    return context.wanted.listen((project) => {
      if (this.isReplicated(project)) wanted(project);
    });
  }

  /** Nobody else asks for what a project has lost until it is given back; null if somebody does. */
  borrowLost(project: string): (() => void) | null {
    return this.projects.context.wanted.borrow(project);
  }

  /** What another server can be asked for. @throws RejoinError `damaged`, `unavailable`. */
  lost(project: string): Promise<readonly SeqnoRange[]> {
    return this.projects.use(project, (opened) => opened.repair.lost());
  }

  /**
   * Puts back what is missing here of these records: see ProjectRepair. Resolves when it is durable.
   * @param from the server id of who has sent them.
   * @throws RejoinError `bad-request`, `damaged`, `unavailable`, `outcome-unknown`.
   */
  async repair(project: string, records: readonly Uint8Array[], from: number): Promise<Repaired> {
    const repaired = await this.projects.use(project, (opened) => opened.repair.take(records));
    const { changes, missing } = repaired;
    if (changes > 0)
      this.projects.context.observer.observe({
        type: 'changes-repaired',
        project,
        detail: `back from server ${from}: ${changes}; still missing: ${missing}`,
      });
    return repaired;
  }

  /** Another server has given all it has of what is lost: see ProjectRepair. */
  finishRepair(project: string): Promise<Repaired> {
    return this.projects.use(project, (opened) => opened.repair.finish());
  }

  /**
   * The durable records of a range, in the order of their seqnos, in pages of about 256 KiB. What isn't here, or is damaged, is
   * left out.
   * @throws RejoinError `unavailable`.
   */
  async *read(project: string, range: SeqnoRange): AsyncGenerator<readonly Uint8Array[]> {
    const { store } = this.projects.context;
    const standing = await this.standing(project);
    if (standing.lifecycle % 2 === 1) return;
    const keys = new ProjectKeys(project);
    const head = vectorIn(standing).get(range.serverId) ?? 0;
    yield* readSequence(store, keys, { ...range, last: Math.min(range.last, head) });
  }

  private async takeLifecycle(project: string, theirs: Standing): Promise<void> {
    const { lifecycle, deletedMs } = theirs;
    const set = { lifecycle, deletedMs, vector: vectorIn(theirs) };
    await this.projects.use(project, (opened) => opened.setLifecycle(set));
  }

  private async leaveOwnSequence(project: string, theirs: Standing, ours: VersionVector): Promise<void> {
    const own = this.serverId;
    const seqno = vectorIn(theirs).get(own) ?? 0;
    const known = ours.get(own) ?? 0;
    if (seqno <= known) return;
    await this.renewLife(
      `another server has change ${seqno} of ${JSON.stringify(project)} by this server, which knows ${known}`,
      own,
    );
  }

  /** No server id and seqno may have two contents: that can only be a copy of a folder that nobody noticed (REP-9). */
  private async checkSameContents(project: string, ours: Standing, theirs: Standing): Promise<void> {
    const vector = vectorIn(ours);
    for (const { serverId, seqno, checksum } of theirs.heads) {
      if (seqno > (vector.get(serverId) ?? 0)) continue;
      const own = await this.checksumOf(project, serverId, seqno);
      if (isUnknown(own) || isUnknown(checksum) || Buffer.compare(own, checksum) === 0) continue;
      throw new RejoinError(
        'conflict',
        `Change ${seqno} of server ${serverId} in ${JSON.stringify(project)} is another one there than here: one of the two folders is a copy that went on under the same server id`,
      );
    }
  }

  private async vectorOf(project: string, info: ProjectInfo): Promise<VersionVector> {
    if (info.purgedMs !== undefined) return headsOfPurged(info).vector;
    const keys = new ProjectKeys(project);
    return (await recoverHeads(this.projects.context.store, keys, info.damage, undefined)).vector;
  }

  /** Zeros for one that can't be read. */
  private async checksumOf(project: string, serverId: number, seqno: number): Promise<Uint8Array> {
    const { store } = this.projects.context;
    const keys = new ProjectKeys(project);
    const key = keys.sequence(serverId, seqno);
    const sealed = await store.get(key);
    if (!sealed) return unknown;
    try {
      const record = await store.get(keys.record(readNumber(unseal(key, sealed))));
      return record && record.length > digestLength ? Uint8Array.from(checksumIn(record)) : unknown;
    } catch (error) {
      if (error instanceof RejoinError && error.code === 'damaged') return unknown;
      throw error;
    }
  }

  /** Again if the store is opened anew meanwhile. */
  private reading<T>(read: () => Promise<T>): Promise<T> {
    return this.projects.reading(read);
  }
}

const unknown = new Uint8Array(digestLength);

function isUnknown(checksum: Uint8Array): boolean {
  return checksum.every((byte) => byte === 0);
}

function vectorIn({ heads }: Standing): VersionVector {
  return new Map(heads.map(({ serverId, seqno }) => [serverId, seqno]));
}

/** Of a deleted project the lifecycle alone counts: its changes aren't exchanged. */
function digestOfStanding({ lifecycle, heads }: Standing): Uint8Array {
  const bytes = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, lifecycle);
    if (lifecycle % 2 === 1) return;
    for (const { serverId, seqno, checksum } of heads) {
      encoding.writeVarUint(encoder, serverId);
      encoding.writeVarUint(encoder, seqno);
      encoding.writeUint8Array(encoder, checksum);
    }
  });
  return digestOf(bytes).subarray(0, digestLength);
}
