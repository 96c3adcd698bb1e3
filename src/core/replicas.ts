// All projects as other servers see them: what there is of each, what one of them lacks, and how it is given and taken. The
// links of src/replication use nothing else of the core.

import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import type { Standing } from '../model/standing.ts';
import { isBehind, type VersionVector } from '../model/version-vector.ts';
import { ProjectKeys } from '../store/keys.ts';
import type { SeqnoRange } from '../store/missing-changes.ts';
import { readCatalogue } from '../store/project-info.ts';
import { readSequence } from '../store/read-sequence.ts';
import { readGroups } from '../store/received-groups.ts';
import { firstOf } from '../store/store.ts';
import type { Repaired } from './project-repair.ts';
import type { ResumedReceipt } from './project-arrivals.ts';
import type { Accepted, Succession } from './project-replica.ts';
import type { Projects } from './projects.ts';
import type { Moved } from './moved-projects.ts';
import { otherContent } from './known-groups.ts';
import { recallEntry } from './recall-entry.ts';
import type { ReplicaReader } from './replica-reader.ts';
import type { SnapshotReceipt } from './snapshot-receipt.ts';
import { Standings } from './standings.ts';

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

export class Replicas {
  private readonly standings: Standings;
  /** Entries of the catalogue that are being made anew, by project. */
  private readonly recalls = new Map<string, Promise<void>>();

  constructor(
    private readonly projects: Projects,
    private readonly options: ReplicasOptions = {},
  ) {
    this.standings = new Standings(projects);
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

  /** Calls back when there is a new life. @returns how to stop. */
  listenLives(renewed: () => void): () => void {
    return this.projects.listenLives(renewed);
  }

  /** Calls back with each replicated project in which something became durable. @returns how to stop. */
  listen(moved: Moved): () => void {
    return this.projects.context.moved.listen((project, isLifecycle) => {
      if (this.isReplicated(project)) moved(project, isLifecycle);
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
  digest(project: string): Promise<Uint8Array | null> {
    return this.standings.digest(project);
  }

  /**
   * What is durable here; of a project that doesn't exist, nothing; of a deleted one, the highest numbers that are known to
   * have been given (REP-14). @throws RejoinError `damaged`, `unavailable`.
   */
  standing(project: string): Promise<Standing> {
    return this.standings.of(project);
  }

  /**
   * Compares what another server has with what is here. A server that knows more of our own sequence than we do makes us take a
   * new life (REP-8), in a deleted project too. Then a higher lifecycle is taken over (REP-14), and what numbers a deleted
   * project has.
   * @throws RejoinError `conflict` if one number has two contents: nothing can be exchanged then.
   */
  async meet(project: string, theirs: Standing): Promise<Meeting> {
    if (!(await this.digest(project))) await this.recall(project, theirs);
    const before = await this.standing(project);
    // Before these numbers become known here: a crash in between must not hide that they were given.
    await this.leaveOwnSequence(project, theirs, vectorIn(before));
    const isNews = saysMore(theirs, before);
    if (isNews) await this.takeLifecycle(project, theirs);
    const ours = isNews ? await this.standing(project) : before;
    const vector = vectorIn(ours);
    const hasLifecycle = ours.lifecycle > theirs.lifecycle;
    if (isDeleted(ours)) return { lacks: false, has: hasLifecycle, vector };
    await this.checkSameContents(project, ours, theirs);
    const known = vectorIn(theirs);
    return {
      lacks: !isDeleted(theirs) && isBehind(vector, known),
      has: hasLifecycle || isBehind(known, vector),
      vector,
    };
  }

  /**
   * Reads what another server lacks, then what comes.
   * @param known what that server has.
   * @param kept what it has beside that of a snapshot that was cut off.
   * @throws RejoinError `deleted`, `damaged`, `unavailable`.
   */
  async open(
    project: string,
    known: VersionVector,
    kept: KeptSnapshot | null = null,
  ): Promise<ReplicaReader> {
    const { project: opened, release } = await this.projects.acquire(project);
    try {
      return await opened.readFor({ known, kept }, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Takes whole groups in the order of another server's log. Resolves when they are durable: see ProjectReplica.
   * @throws RejoinError `bad-request`, `conflict` as `meet`, `damaged`, `undecodable`, `unavailable`, `outcome-unknown`.
   */
  accept(
    project: string,
    { records, isUnfinished }: { records: readonly Uint8Array[]; isUnfinished: boolean },
    succession?: Succession,
  ): Promise<Accepted> {
    const groups = readGroups(records);
    return this.projects.use(project, (opened) => opened.replica.accept(groups, isUnfinished, succession));
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

  /**
   * The same where something is kept of a snapshot that was cut off on its way here; else null.
   * @throws RejoinError `damaged`, `unavailable`.
   */
  async resumeSnapshot(project: string): Promise<ResumedReceipt | null> {
    const { store } = this.projects.context;
    const first = (): Promise<unknown> => firstOf(store, new ProjectKeys(project).arrivalsBehind(0));
    if (!this.projects.isOpen(project) && !(await this.reading(first))) return null;
    const { project: opened, release } = await this.projects.acquire(project);
    let resumed: ResumedReceipt | null = null;
    try {
      resumed = await this.reading(() => opened.arrivals.resume(release));
    } finally {
      if (!resumed) release();
    }
    return resumed;
  }

  // ---- what was lost

  /**
   * Calls back with each replicated project that wants changes back which are lost here, also when it does so again.
   * @returns how to stop.
   */
  listenLost(wanted: (project: string) => void): () => void {
    const { context } = this.projects;
    this.reading(() => context.wanted.find()).catch(() => undefined); // the store fails: the next link looks again
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

  /** One after the other: who comes second finds what the first has made, and may have changed since. */
  private async recall(project: string, theirs: Standing): Promise<void> {
    const before = this.recalls.get(project) ?? Promise.resolve();
    const recalled = before.catch(() => undefined).then(() => recallEntry(this.projects, project, theirs));
    this.recalls.set(project, recalled);
    try {
      await recalled;
    } finally {
      if (this.recalls.get(project) === recalled) this.recalls.delete(project);
    }
  }

  private async takeLifecycle(project: string, theirs: Standing): Promise<void> {
    const { lifecycle, deletedMs } = theirs;
    const set = { lifecycle, deletedMs, vector: vectorIn(theirs) };
    await this.projects.use(project, (opened) => opened.setLifecycle(set));
  }

  private async leaveOwnSequence(project: string, theirs: Standing, ours: VersionVector): Promise<void> {
    const own = this.serverId;
    const seqno = vectorIn(theirs).get(own) ?? 0;
    if (seqno <= (ours.get(own) ?? 0)) return;
    // A life is not left for what was compared a moment too early.
    const known = vectorIn(await this.standings.readAnew(project)).get(own) ?? 0;
    if (seqno <= known) return;
    await this.renewLife(
      `another server has change ${seqno} of ${JSON.stringify(project)} by this server, which knows ${known}`,
      own,
    );
  }

  /** No server id and seqno may have two contents: that can only be a copy of a folder that nobody noticed (REP-9). */
  private async checkSameContents(project: string, ours: Standing, theirs: Standing): Promise<void> {
    const heads = new Map(ours.heads.map((head) => [head.serverId, head]));
    for (const { serverId, seqno, checksum } of theirs.heads) {
      const head = heads.get(serverId);
      if (!head || seqno > head.seqno) continue;
      const own =
        seqno === head.seqno ? head.checksum : await this.standings.checksumOf(project, serverId, seqno);
      if (isUnknown(own) || isUnknown(checksum) || Buffer.compare(own, checksum) === 0) continue;
      throw otherContent(project, serverId, seqno);
    }
  }

  /** Again if the store is opened anew meanwhile. */
  private reading<T>(read: () => Promise<T>): Promise<T> {
    return this.projects.reading(read);
  }
}

function isUnknown(checksum: Uint8Array): boolean {
  return checksum.every((byte) => byte === 0);
}

function vectorIn({ heads }: Standing): VersionVector {
  return new Map(heads.map(({ serverId, seqno }) => [serverId, seqno]));
}

function isDeleted({ lifecycle }: Standing): boolean {
  return lifecycle % 2 === 1;
}

/** Whether the other server's lifecycle holds, or it knows of more numbers in what is deleted on both. */
function saysMore(theirs: Standing, ours: Standing): boolean {
  if (theirs.lifecycle !== ours.lifecycle) return theirs.lifecycle > ours.lifecycle;
  return isDeleted(ours) && isBehind(vectorIn(ours), vectorIn(theirs));
}
