// A project: one Yjs document with its log. It is the only writer of both, and every change takes the same way,
// whatever wire it came in by: plan → transact → encode → number → append → (durable) → acknowledge, notify.

import type { Doc } from 'yjs';
import { hasCode, messageOf } from '../errors.ts';
import type { Origin } from '../model/origin.ts';
import type { StreamSelection } from '../model/selection.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import { Feed } from './feed.ts';
import { heedClaims } from './heed-claims.ts';
import { LiveLog } from './live-log.ts';
import type { ProjectListener } from './log-listeners.ts';
import type { ProjectContext } from './project-context.ts';
import { ProjectArrivals } from './project-arrivals.ts';
import { ProjectLifecycle, type Lifecycle } from './project-lifecycle.ts';
import { ProjectLoss } from './project-loss.ts';
import { ProjectRepair } from './project-repair.ts';
import { ProjectReplica } from './project-replica.ts';
import { ProjectState } from './project-state.ts';
import { ProjectUdt } from './project-udt.ts';
import { ProjectUpdates, type UpdateOutcome } from './project-updates.ts';
import { ProjectSummaries, type ProjectSummary } from './project-summary.ts';
import { ProjectUploads } from './project-uploads.ts';
import { ReplicaReader, type ThereAlready } from './replica-reader.ts';
import { SelectedFeed } from './selected-feed.ts';
import { SnapshotSource } from './snapshot-source.ts';
import type { Upkeep } from './upkeep.ts';
import { readWholeDocument, type WholeDocument } from './whole-document.ts';

/** What a project has from those who keep all of them. */
export interface ProjectHome {
  readonly upkeep: Upkeep;
  /** Notes that the project's document is being used. */
  used(project: Project): void;
}

export class Project {
  /** What UDT's clients read and patch. */
  readonly udt: ProjectUdt;
  /** Objects that come without a document: see upload.ts. */
  readonly uploads: ProjectUploads;
  /** What it takes from other servers. */
  readonly replica: ProjectReplica;
  /** What it takes of them with a snapshot. */
  readonly arrivals: ProjectArrivals;
  /** What it gets back of what it has lost. */
  readonly repair: ProjectRepair;
  /** How what nobody gives back is given up. */
  readonly loss: ProjectLoss;
  private readonly index: () => Promise<void>;
  private readonly state: ProjectState;
  private readonly lifecycle: ProjectLifecycle;
  private readonly updates: ProjectUpdates;
  private readonly summaries: ProjectSummaries;

  private constructor(
    readonly id: string,
    context: ProjectContext,
    home: ProjectHome,
    private readonly log: LiveLog,
  ) {
    this.index = () => home.upkeep.index(id);
    this.state = new ProjectState(id, context, log, home.upkeep, () => home.used(this));
    this.udt = new ProjectUdt(this.state);
    this.uploads = new ProjectUploads(this.state);
    this.replica = new ProjectReplica(this.state);
    this.arrivals = new ProjectArrivals(this.state, this.replica, home.upkeep);
    this.repair = new ProjectRepair(this.state, home.upkeep);
    this.loss = new ProjectLoss(this.state, home.upkeep);
    this.lifecycle = new ProjectLifecycle(this.state, home.upkeep);
    this.updates = new ProjectUpdates(this.state);
    this.summaries = new ProjectSummaries(this.state);
  }

  static async open(id: string, context: ProjectContext, home: ProjectHome): Promise<Project> {
    const project = new Project(id, context, home, await LiveLog.open(id, context));
    await project.arrivals.recall();
    await project.repair.recall();
    return project;
  }

  /** What the catalogue says; undefined while nothing was ever written to the project. */
  get info(): ProjectInfo | undefined {
    return this.log.info;
  }

  /** @returns how to stop listening. */
  listen(listener: ProjectListener): () => void {
    return this.log.listen(listener);
  }

  // ---- the log

  /** How far the log is durable; 0 while a session isn't there whole. */
  get durablePosition(): number {
    return this.log.shownPosition;
  }

  /** The highest durable seqno per server id. */
  get durableVector(): VersionVector {
    return this.log.shownVector;
  }

  /** How much there is of it, and who changed it last. It needs no document. */
  summary(): Promise<ProjectSummary> {
    return this.summaries.read();
  }

  /** Resolves when everything accepted so far is durable. */
  settled(): Promise<void> {
    return this.log.settled();
  }

  /** The log after what a reader knows, then live (WS-3, WS-4). */
  follow(since: VersionVector): Promise<Feed> {
    return Feed.open(this.log, since);
  }

  /** What another server lacks of it, then what comes. @param release is called when the reader is closed. */
  readFor(there: ThereAlready, release: () => void): Promise<ReplicaReader> {
    const { pageBytes } = this.state.context.sizes;
    return ReplicaReader.open(this.log, new SnapshotSource(this.state), there, pageBytes, release);
  }

  /** The log behind a position, then live. */
  followFrom(position: number): Feed {
    return Feed.behind(this.log, position);
  }

  /** What a stream has selected of the log, then live (WS-3 to WS-7, WS-23). */
  async select(selection: StreamSelection): Promise<SelectedFeed> {
    await heedClaims(this.state, selection);
    return SelectedFeed.open(this.state, selection, () => this.index());
  }

  // ---- the document

  /** Encodes something from the document: see ProjectUpdates. */
  encode<T>(read: (doc: Doc) => T): Promise<T> {
    return this.updates.encode(read);
  }

  /** All of the document as JSON. */
  readDocument(): Promise<WholeDocument> {
    return readWholeDocument(this.state);
  }

  /** Takes an update from a Yjs client: see ProjectUpdates. */
  applyUpdate(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    return this.updates.apply(update, origin);
  }

  // ---- being deleted: see ProjectLifecycle

  delete(): Promise<void> {
    return this.lifecycle.delete();
  }

  undelete(): Promise<void> {
    return this.lifecycle.undelete();
  }

  /** Takes over what another server says, if it is higher. @returns whether it was. */
  setLifecycle(theirs: Lifecycle): Promise<boolean> {
    return this.lifecycle.set(theirs);
  }

  /** Deletes a deleted project for good. @param onProgress is called with how many keys were removed so far. */
  purge(onProgress?: (removed: number) => void): Promise<void> {
    return this.lifecycle.purge(onProgress);
  }

  // ---- memory

  /** Whether it can be forgotten: it has no document in memory, and nothing to do. */
  get isIdle(): boolean {
    const { state, udt, arrivals, repair } = this;
    return !state.keeper.current && state.isIdle && udt.isIdle && arrivals.isIdle && repair.isIdle;
  }

  /** Whether another server is sending a session that isn't whole yet: what has come of it is removed when it is opened anew. */
  get isArriving(): boolean {
    return !this.log.info && !this.log.isStale && this.log.appended.position > 0;
  }

  /** About how much memory it takes. Bytes. */
  get weightBytes(): number {
    const documentBytes = this.state.keeper.current?.document.weightBytes ?? 0;
    return logBytes + this.log.uuids.weightBytes + documentBytes;
  }

  /** Takes the document out of memory, unless somebody needs it after all. */
  closeDocument(isNeeded: () => boolean): Promise<void> {
    return this.state.keeper.close(isNeeded);
  }

  /** Resolves when all that was asked for so far is done, also what waits for the store to recover. */
  flush(): Promise<void> {
    return this.state.flush();
  }

  // ---- after a failed write, or when the server takes another server id: see projects.ts

  /** Whether it must be read again before anything is written to it. */
  get isStale(): boolean {
    return this.log.isStale;
  }

  /** What was not durable is gone, with the document that held it. */
  invalidate(): void {
    this.log.invalidate();
    this.state.keeper.drop();
  }

  /** The server has another server id: nothing more may be numbered under the one before. */
  renumber(): void {
    this.state.keeper.drop();
    this.refresh();
  }

  /** Reads the project again from the store, in its turn. */
  refresh(): void {
    this.state.queue
      .run(() => this.state.current())
      .catch((error: unknown) => {
        // Whoever uses the project next tries again; only damage is news.
        if (hasCode(error, 'damaged')) this.state.observe('damage', messageOf(error));
      });
  }
}

/** What a project takes without its document, about. */
const logBytes = 16 * 1024;
