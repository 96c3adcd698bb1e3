// A project: one Yjs document with its log. It is the only writer of both, and every change takes the same way,
// whatever wire it came in by: plan → transact → encode → number → append → (durable) → acknowledge, notify.

import type { Doc } from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { completeObject, type ObjectKind, type ProjectObject } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import type { Edit } from './edits.ts';
import { DocumentKeeper } from './document-keeper.ts';
import { Feed } from './feed.ts';
import { LiveLog, type ProjectContext, type ProjectListener, type Staged } from './live-log.ts';
import { commitOfEdits, commitOfUpdate, toChange, type UdtChange } from './commits.ts';
import { encodeObjectUpdate } from './object-update.ts';
import { KeyedAnswers, type KeyedRequest, type UdtAnswer } from './idempotency.ts';
import { addsNothing } from './known-update.ts';
import type { ObservedEvent } from './observer.ts';
import type { OpenDocument } from './open-document.ts';
import { useClocksForUpload, useIdForEdits, replaceIdsAmong } from './own-ids.ts';
import { planPatch } from './plan-patch.ts';
import { SerialQueue } from './serial-queue.ts';
import { newObjectsOf } from './touched-objects.ts';
import type { Upkeep } from './upkeep.ts';
import type { UdtDifferences, UdtState, UdtVersions } from './udt-versions.ts';
import { checkUpdate } from './update-check.ts';

/** An object to upload: fields that passed `checkObject`. */
export interface NewObject {
  readonly kind: ObjectKind;
  readonly fields: JsonObject;
}

export type UpdateOutcome =
  /** Stored, or nothing in it was new; `durable` resolves when all that it says is on disk. */
  | { readonly type: 'accepted'; readonly isNew: boolean; readonly durable: Promise<void> }
  /** YJS-8: nothing of it was taken; `ranges` identifies what it lacks. */
  | { readonly type: 'missing'; readonly ranges: string };

/** What a project has from those who keep all of them. */
export interface ProjectHome {
  readonly upkeep: Upkeep;
  /** Notes that the project's document is being used. */
  used(project: Project): void;
}

export class Project {
  private readonly queue = new SerialQueue();
  private readonly keeper: DocumentKeeper;
  /** Writes in work, in the queue or outside of it. */
  private readonly asked = new Set<Promise<unknown>>();
  private readonly answers: KeyedAnswers;

  private constructor(
    readonly id: string,
    private readonly context: ProjectContext,
    private readonly home: ProjectHome,
    private readonly log: LiveLog,
  ) {
    this.keeper = new DocumentKeeper(id, log, this.queue, context, home.upkeep);
    this.answers = new KeyedAnswers(context.store, log.keys);
  }

  static async open(id: string, context: ProjectContext, home: ProjectHome): Promise<Project> {
    return new Project(id, context, home, await LiveLog.open(id, context));
  }

  /** What the catalogue says; undefined while nothing was ever written to the project. */
  get info(): ProjectInfo | undefined {
    return this.log.info;
  }

  /** Whether it can be forgotten: it has no document in memory, and nothing to do. */
  get isIdle(): boolean {
    return !this.keeper.current && this.asked.size === 0 && this.queue.isEmpty && this.log.isSettled;
  }

  /** About how much memory it takes. Bytes. */
  get weightBytes(): number {
    return logBytes + (this.keeper.current?.document.weightBytes ?? 0);
  }

  /** Takes the document out of memory, unless somebody needs it after all. */
  closeDocument(isNeeded: () => boolean): Promise<void> {
    return this.keeper.close(isNeeded);
  }

  /** @returns how to stop listening. */
  listen(listener: ProjectListener): () => void {
    return this.log.listen(listener);
  }

  /** Resolves when everything accepted so far is durable. */
  settled(): Promise<void> {
    return this.log.settled();
  }

  /** Resolves when all that was asked for so far is done, also what waits for the store to recover. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.asked]);
    await this.queue.run(() => undefined);
    await this.log.settled(); // behind its turn: whoever comes next need not wait for the disk
  }

  // ---- reading

  /** The log after what a reader knows, then live (WS-3, WS-4). */
  follow(since: VersionVector): Promise<Feed> {
    return Feed.open(this.log, since);
  }

  /** The log behind a position, then live. */
  followFrom(position: number): Feed {
    return Feed.behind(this.log, position);
  }

  /** How far the log is durable. */
  get durablePosition(): number {
    return this.log.durablePosition;
  }

  /** The `udt` part at its newest durable version. */
  readUdt(): Promise<UdtState> {
    return this.rereading(async () => (await this.versions()).latest);
  }

  /** What a UDT client lacks that knows a version, or the time of one (UDT-1). */
  udtAfter(since: number | Date): Promise<UdtDifferences> {
    return this.rereading(async () => {
      const versions = await this.versions();
      if (typeof since === 'number') return versions.after(since);
      return versions.afterTime(since.getTime(), this.info?.createdMs ?? 0);
    });
  }

  /**
   * Encodes something from the document as it is now, and hands it out when everything in it is durable.
   * @throws RejoinError `outcome-unknown` or `unavailable` if it doesn't become so.
   */
  async encode<T>(read: (doc: Doc) => T): Promise<T> {
    const { encoded, durable } = await this.queue.run(async () => {
      const { document } = await this.open();
      return { encoded: read(document.doc), durable: this.log.settled() };
    });
    await durable;
    return encoded;
  }

  // ---- writing

  /** Makes the project a session with this UDT file. Resolves when it is durable. */
  createSession(udt: JsonObject, origin: Origin): Promise<UdtAnswer> {
    return this.changeUdt('session', origin, () => {
      if (this.info)
        throw new RejoinError('conflict', `The project ${JSON.stringify(this.id)} exists already`);
      return Object.entries(udt).map(([key, value]) => ({ type: 'set', path: [], key, value }));
    });
  }

  /**
   * Applies a JSON Patch to `udt`, all of it or nothing (UDT-4). Resolves when it is durable.
   * @throws RejoinError `conflict` or `bad-request` that names the operation.
   */
  patchUdt(operations: readonly Operation[], origin: Origin): Promise<UdtAnswer> {
    return this.changeUdt('udt', origin, (view) => planPatch(view, operations).edits);
  }

  /**
   * As `patchUdt`, once for all requests of one key: one that is sent again is answered as the first was.
   * @throws RejoinError `conflict` also if the key was used for another request.
   */
  async patchUdtOnce(
    operations: readonly Operation[],
    origin: Origin,
    request: KeyedRequest,
  ): Promise<UdtAnswer> {
    if (this.context.recovery.writingProblem !== null) {
      const answered = await this.queue.run(() => this.findAnswer(request));
      if (answered) return answered.state;
    }
    return this.changeUdt('udt', origin, (view) => planPatch(view, operations).edits, request);
  }

  /**
   * Takes an update from a Yjs client (YJS-6, YJS-8).
   * @throws RejoinError `undecodable`; nothing of it was taken.
   */
  applyUpdate(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    if (this.context.recovery.writingProblem === null) return this.takeUpdate(update, origin);
    const recognized = this.queue.run(() => this.recognizeUpdate(update));
    return this.asking(recognized.then((outcome) => outcome ?? this.takeUpdate(update, origin)));
  }

  private takeUpdate(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    return this.writing(async (): Promise<UpdateOutcome> => {
      const opened = await this.open();
      const { doc } = opened.document;
      const check = checkUpdate(doc, update);
      if (check.type === 'missing') {
        this.observe('update-without-base', check.ranges);
        return check;
      }
      const ids = replaceIdsAmong(check.newClients, this.log, doc, this.context.environment);
      if (ids) this.observe('client-ids-replaced', ids.replaced);
      return this.mutate(async () => {
        const change = opened.document.applyUpdate(update);
        if (!change) return { type: 'accepted', isNew: false, durable: this.log.settled() };
        const nowMs = this.context.environment.now();
        const objects = await newObjectsOf(change.touched, {
          origin,
          nowMs,
          isKnown: (kind, versionUuid) => this.log.uuids.has(kind, versionUuid),
          observe: (type, detail) => this.observe(type, detail),
        });
        const commit = commitOfUpdate(opened, change, {
          origin,
          nowMs,
          objects,
          writes: ids ? [ids.write] : [],
        });
        const durable = this.log.submit(commit);
        this.keeper.grown(change.update);
        return { type: 'accepted', isNew: true, durable };
      });
    });
  }

  /** Deletes the project: its tombstone keeps its numbers for ever (REP-14). */
  delete(): Promise<void> {
    return this.writing(async () => {
      await this.current();
      await this.log.bury();
      this.keeper.drop();
    });
  }

  /** Whether it must be read again before anything is written to it. */
  get isStale(): boolean {
    return this.log.isStale;
  }

  // ---- uploads: see upload.ts, which has the turn of all its projects while it calls these

  /** Starts to look up which objects are new, ahead of the turn. @returns how to say that the upload is done with it. */
  lookUp(objects: readonly NewObject[]): () => void {
    const ends = objects.flatMap(({ kind, fields: { version_uuid: versionUuid } }) =>
      typeof versionUuid === 'string' ? [this.log.uuids.lookUp(kind, versionUuid)] : [],
    );
    return () => {
      for (const end of ends) end();
    };
  }

  /** Waits for the project's turn; it is kept until the returned function is called. */
  hold(): Promise<() => void> {
    return this.queue.hold();
  }

  /** Which objects are new: not those whose uuid the log has, and the first of equals (WS-13). */
  async planUpload(objects: readonly NewObject[], origin: Origin): Promise<readonly ProjectObject[]> {
    await this.current();
    await this.log.writable();
    const author = { userId: origin.user, userUuid: origin.user, nowMs: this.context.environment.now() };
    const fresh = new Map<string, ProjectObject>();
    for (const { kind, fields } of objects) {
      const object = completeObject(kind, fields, author, 'replace');
      const name = `${kind} ${object.versionUuid}`;
      if (fresh.has(name) || (await this.log.uuids.has(kind, object.versionUuid))) continue;
      fresh.set(name, object);
    }
    return [...fresh.values()];
  }

  /** Numbers what `planUpload` returned. It needs no document; an open one takes the update as well. */
  stageUpload(objects: readonly ProjectObject[], origin: Origin): Staged {
    const { clientId, clock, write } = useClocksForUpload(this.log, objects.length, this.context.environment);
    const update = encodeObjectUpdate(clientId, clock, objects);
    if (this.keeper.current?.document.applyUpdate(update)) this.keeper.grown(update);
    return this.log.stage({ group: { origin, update, changes: objects.map(toChange) }, writes: [write] });
  }

  // ---- after a failed write: see projects.ts

  /** What was not durable is gone, with the document that held it. */
  invalidate(): void {
    this.log.invalidate();
    this.keeper.drop();
  }

  /** The server has another server id: nothing more may be numbered under the one before. */
  renumber(): void {
    this.keeper.drop();
    this.refresh();
  }

  /** Reads the project again from the store, in its turn. */
  refresh(): void {
    this.queue
      .run(() => this.current())
      .catch((error: unknown) => {
        // Whoever uses the project next tries again; only damage is news.
        if (error instanceof RejoinError && error.code === 'damaged')
          this.observe('damage', messageOf(error));
      });
  }

  // ---- within a turn

  /** Brings the log up to date with the store after a failure. */
  private async current(): Promise<void> {
    await this.context.recovery.ready();
    if (!this.log.isStale) return;
    this.keeper.drop();
    await this.log.reload();
  }

  private async open(): Promise<OpenDocument> {
    await this.current();
    await this.log.writable();
    const opened = await this.keeper.open();
    this.home.used(this);
    return opened;
  }

  private async versions(): Promise<UdtVersions> {
    await this.log.ready();
    const { current } = this.keeper;
    if (!current) return (await this.queue.run(() => this.open())).versions;
    this.home.used(this);
    return current.versions;
  }

  /** Reads again what the store's being opened again has interrupted: a poll is held, not refused (UDT-5). */
  private async rereading<T>(read: () => Promise<T>): Promise<T> {
    for (let triesLeft = 3; ; triesLeft--) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof RejoinError && error.code === 'unavailable' && triesLeft > 0)) throw error;
      }
    }
  }

  private changeUdt(
    kind: UdtChange,
    origin: Origin,
    plan: (view: JsonObject) => readonly Edit[],
    request?: KeyedRequest,
  ): Promise<UdtAnswer> {
    return this.asking(this.context.recovery.writing(() => this.tryToChangeUdt(kind, origin, plan, request)));
  }

  private async tryToChangeUdt(
    kind: UdtChange,
    origin: Origin,
    plan: (view: JsonObject) => readonly Edit[],
    request: KeyedRequest | undefined,
  ): Promise<UdtAnswer> {
    const { state, durable } = await this.inTurn(async () => {
      const answered = request && (await this.findAnswer(request));
      if (answered) return answered;
      const opened = await this.open();
      const { document } = opened;
      const edits = plan(document.view);
      const writes = useIdForEdits(this.log, document.doc, this.context.environment);
      return this.mutate(() => {
        const nowMs = this.context.environment.now();
        const { commit, state } = commitOfEdits(opened, document.edit(edits), {
          kind,
          origin,
          nowMs,
          writes,
          request,
        });
        const durable = this.log.submit(commit);
        if (commit.group) this.keeper.grown(commit.group.update);
        if (request) this.answers.follow(request, state, durable);
        return { state, durable };
      });
    });
    await durable;
    return state;
  }

  /** Needs no document. */
  private async findAnswer(request: KeyedRequest): ReturnType<KeyedAnswers['find']> {
    await this.current();
    await this.log.ready();
    return this.answers.find(request);
  }

  /** Runs a write in its turn. While the store recovers it waits outside of the queue, so that reads go on. */
  private writing<T>(write: () => Promise<T>): Promise<T> {
    return this.asking(this.context.recovery.writing(() => this.inTurn(write)));
  }

  private asking<T>(result: Promise<T>): Promise<T> {
    this.asked.add(result);
    const end = (): void => void this.asked.delete(result);
    result.then(end, end);
    return result;
  }

  private inTurn<T>(write: () => Promise<T>): Promise<T> {
    return this.queue.run(() => {
      this.context.recovery.checkWritable();
      return write();
    });
  }

  /** While nothing can be written: the outcome for an update that brings nothing to write, else null. */
  private async recognizeUpdate(update: Uint8Array): Promise<UpdateOutcome | null> {
    const { doc } = (await this.open()).document;
    const check = checkUpdate(doc, update);
    if (check.type === 'missing') {
      this.observe('update-without-base', check.ranges);
      return check;
    }
    if (!addsNothing(doc, update)) return null;
    return { type: 'accepted', isNew: false, durable: this.log.settled() };
  }

  /** Runs what changes the document: if it fails midway, memory no longer says what is stored, and is read again. */
  private async mutate<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.keeper.drop();
      this.log.distrust();
      this.observe('change-dropped', messageOf(error));
      throw error;
    }
  }

  private observe(type: Extract<ObservedEvent, { project: string }>['type'], detail: string): void {
    this.context.observer.observe({ type, project: this.id, detail });
  }
}

/** What a project takes without its document, about. */
const logBytes = 16 * 1024;
