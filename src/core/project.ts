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
import { Feed } from './feed.ts';
import { LiveLog, type ProjectContext, type ProjectListener, type Staged } from './live-log.ts';
import { commitOfEdits, commitOfUpdate, toChange, type UdtChange } from './commits.ts';
import { encodeObjectUpdate } from './object-update.ts';
import type { ObservedEvent } from './observer.ts';
import { openDocument, type OpenDocument } from './open-document.ts';
import { useClocksForUpload, useIdForEdits, replaceIdsAmong } from './own-ids.ts';
import { planPatch } from './plan-patch.ts';
import { SerialQueue } from './serial-queue.ts';
import { newObjectsOf } from './touched-objects.ts';
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

export class Project {
  private readonly queue = new SerialQueue();
  private opened: OpenDocument | null = null;

  private constructor(
    readonly id: string,
    private readonly context: ProjectContext,
    private readonly log: LiveLog,
  ) {}

  static async open(id: string, context: ProjectContext): Promise<Project> {
    return new Project(id, context, await LiveLog.open(id, context));
  }

  /** What the catalogue says; undefined while nothing was ever written to the project. */
  get info(): ProjectInfo | undefined {
    return this.log.info;
  }

  /** @returns how to stop listening. */
  listen(listener: ProjectListener): () => void {
    return this.log.listen(listener);
  }

  /** Resolves when everything accepted so far is durable. */
  settled(): Promise<void> {
    return this.log.settled();
  }

  /** Resolves when all that was asked for so far is done. */
  async flush(): Promise<void> {
    await this.queue.run(() => undefined);
    await this.log.settled(); // behind its turn: whoever comes next need not wait for the disk
  }

  // ---- reading

  /** The log after what a reader knows, then live (WS-3, WS-4). */
  follow(since: VersionVector): Promise<Feed> {
    return Feed.open(this.log, since);
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
  createSession(udt: JsonObject, origin: Origin): Promise<UdtState> {
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
  patchUdt(operations: readonly Operation[], origin: Origin): Promise<UdtState> {
    return this.changeUdt('udt', origin, (view) => planPatch(view, operations).edits);
  }

  /**
   * Takes an update from a Yjs client (YJS-6, YJS-8).
   * @throws RejoinError `undecodable`; nothing of it was taken.
   */
  applyUpdate(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    return this.queue.run(async (): Promise<UpdateOutcome> => {
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
        return { type: 'accepted', isNew: true, durable: this.log.submit(commit) };
      });
    });
  }

  /** Deletes the project: its tombstone keeps its numbers for ever (REP-14). */
  delete(): Promise<void> {
    return this.queue.run(async () => {
      await this.current();
      await this.log.bury();
      this.opened = null;
    });
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
    this.opened?.document.applyUpdate(update);
    return this.log.stage({ group: { origin, update, changes: objects.map(toChange) }, writes: [write] });
  }

  // ---- after a failed write: see projects.ts

  /** What was not durable is gone, with the document that held it. */
  invalidate(): void {
    this.log.invalidate();
    this.opened = null;
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
    await this.context.ready();
    if (!this.log.isStale) return;
    this.opened = null;
    await this.log.reload();
  }

  private async open(): Promise<OpenDocument> {
    await this.current();
    await this.log.writable();
    this.opened ??= await openDocument(this.log, this.context, (type, detail) => this.observe(type, detail));
    return this.opened;
  }

  private async versions(): Promise<UdtVersions> {
    await this.log.ready();
    if (this.opened) return this.opened.versions;
    return (await this.queue.run(() => this.open())).versions;
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

  private async changeUdt(
    kind: UdtChange,
    origin: Origin,
    plan: (view: JsonObject) => readonly Edit[],
  ): Promise<UdtState> {
    const { state, durable } = await this.queue.run(async () => {
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
        });
        return { state, durable: this.log.submit(commit) };
      });
    });
    await durable;
    return state;
  }

  /** Runs what changes the document: if it fails midway, memory no longer says what is stored, and is read again. */
  private async mutate<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.opened = null;
      this.log.distrust();
      this.observe('change-dropped', messageOf(error));
      throw error;
    }
  }

  private observe(type: Extract<ObservedEvent, { project: string }>['type'], detail: string): void {
    this.context.observer.observe({ type, project: this.id, detail });
  }
}
