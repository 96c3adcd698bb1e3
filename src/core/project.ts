// A project: one Yjs document with its log. It is the only writer of both, and every change takes the same way,
// whatever wire it came in by: plan → transact → encode → number → append → (durable) → acknowledge, notify.

import type { Doc } from 'yjs';
import { RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { completeObject, type ObjectKind, type ProjectObject } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { drawClientIds } from '../store/client-ids.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import type { NewChange } from '../store/project-log.ts';
import type { Write } from '../store/store.ts';
import { ProjectDocument } from './document.ts';
import type { Edit } from './edits.ts';
import { Feed } from './feed.ts';
import { LiveLog, type ProjectContext, type ProjectListener, type Staged } from './live-log.ts';
import { encodeObjectUpdate } from './object-update.ts';
import type { ObservedEvent } from './observer.ts';
import { planPatch } from './plan-patch.ts';
import { SerialQueue } from './serial-queue.ts';
import { newObjectsOf } from './touched-objects.ts';
import { UdtHasher } from './udt-hash.ts';
import { UdtVersions, type UdtDifferences, type UdtState } from './udt-versions.ts';
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

interface Opened {
  readonly document: ProjectDocument;
  readonly versions: UdtVersions;
}

export class Project {
  private readonly queue = new SerialQueue();
  private opened: Opened | null = null;

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

  /** @throws RejoinError `deleted`. */
  ready(): Promise<void> {
    return this.log.ready();
  }

  /** Resolves when everything accepted so far is durable. */
  settled(): Promise<void> {
    return this.log.settled();
  }

  /** Resolves when all that was asked for so far is done. */
  flush(): Promise<void> {
    return this.queue.run(() => this.log.settled());
  }

  // ---- reading

  /** The log after what a reader knows, then live (WS-3, WS-4). */
  follow(since: VersionVector): Promise<Feed> {
    return Feed.open(this.log, since);
  }

  /** The `udt` part at its newest durable version. */
  async readUdt(): Promise<UdtState> {
    return (await this.openVersions()).latest;
  }

  /** What a UDT client lacks that knows a version, or the time of one (UDT-1). */
  udtAfter(since: number | Date): Promise<UdtDifferences> {
    return this.rereading(async () => {
      const versions = await this.openVersions();
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
    return this.changeUdt(origin, { kind: 'session' }, () => {
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
    return this.changeUdt(origin, { kind: 'udt' }, (view) => planPatch(view, operations).edits);
  }

  /**
   * Takes an update from a Yjs client (YJS-6, YJS-8).
   * @throws RejoinError `undecodable`; nothing of it was taken.
   */
  applyUpdate(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    return this.queue.run(async (): Promise<UpdateOutcome> => {
      const { document, versions } = await this.open();
      const check = checkUpdate(document.doc, update);
      if (check.type === 'missing') {
        this.observe('update-without-base', check.ranges);
        return check;
      }
      return this.mutate(async () => {
        const change = document.applyUpdate(update);
        if (!change) return { type: 'accepted', isNew: false, durable: this.log.settled() };
        const objects = await newObjectsOf(change.touched, {
          origin,
          nowMs: this.context.environment.now(),
          isKnown: (kind, versionUuid) => this.log.hasObject(kind, versionUuid),
          observe: (type, detail) => this.observe(type, detail),
        });
        const changes: NewChange[] = objects.map(toChange);
        const version = change.udt
          ? versions.next(document.view, change.udt.edits, origin, this.context.environment.now())
          : null;
        if (version) changes.push({ kind: 'udt' });
        if (changes.length === 0) changes.push({ kind: 'update' });
        const durable = this.log.submit({
          group: { origin, update: change.update, changes },
          writes: [...this.avoidForeignIds(document.doc, check.newClients), ...(version?.writes ?? [])],
          settle: () => version && versions.settle(version.state),
        });
        return { type: 'accepted', isNew: true, durable };
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
      if (fresh.has(name) || (await this.log.hasObject(kind, object.versionUuid))) continue;
      fresh.set(name, object);
    }
    return [...fresh.values()];
  }

  /** Numbers what `planUpload` returned. It needs no document; an open one takes the update as well. */
  stageUpload(objects: readonly ProjectObject[], origin: Origin): Staged {
    const ids = this.log.clientIds ?? drawClientIds(this.context.environment);
    const update = encodeObjectUpdate(ids.uploads, ids.uploadsClock, objects);
    const used = this.log.useClientIds({ ...ids, uploadsClock: ids.uploadsClock + objects.length });
    this.opened?.document.applyUpdate(update);
    return this.log.stage({ group: { origin, update, changes: objects.map(toChange) }, writes: [used] });
  }

  // ---- after a failed write

  /** What was not durable is gone, with the document that held it. */
  invalidate(): void {
    this.log.invalidate();
    this.opened = null;
  }

  /** Reads the project again from the store, in its turn. */
  refresh(): void {
    this.queue
      .run(() => this.current())
      .catch((error: unknown) =>
        this.observe('damage', error instanceof Error ? error.message : String(error)),
      );
  }

  // ---- within a turn

  /** The log as it is stored, also after a failure. */
  private async current(): Promise<void> {
    await this.context.ready();
    if (!this.log.isStale) return;
    this.opened = null;
    await this.log.reload();
  }

  private async open(): Promise<Opened> {
    await this.current();
    await this.log.writable();
    this.opened ??= await this.load();
    return this.opened;
  }

  private async load(): Promise<Opened> {
    await this.log.settled();
    const changes = this.log.readStored(1, this.log.durablePosition);
    const document = await ProjectDocument.load(changes, (detail) => this.observe('value-not-json', detail));
    const { serverId, epoch } = this.context.life;
    // UDT-3: 0 in the life that created the session.
    const ownEpoch = this.info?.session?.serverId === serverId ? 0 : epoch;
    const { store } = this.context;
    const versions = await UdtVersions.load(store, this.log.keys, ownEpoch, new UdtHasher(), document.view);
    if (versions.claimedHash !== null && versions.claimedHash !== versions.latest.hash) {
      this.observe('damage', 'the document does not have the hash that its newest version was stored with');
    }
    return { document, versions };
  }

  private async openVersions(): Promise<UdtVersions> {
    await this.ready();
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
    origin: Origin,
    { kind }: { kind: 'session' | 'udt' },
    plan: (view: JsonObject) => readonly Edit[],
  ): Promise<UdtState> {
    const { state, durable } = await this.queue.run(async () => {
      const { document, versions } = await this.open();
      const edits = plan(document.view);
      const ids = this.takeOwnId(document.doc);
      return this.mutate(() => {
        const change = document.edit(edits);
        const made = change?.udt?.edits ?? [];
        const version =
          kind === 'session'
            ? versions.first(document.view)
            : versions.next(document.view, made, origin, this.context.environment.now());
        const isSilent = change !== null && made.length === 0; // it only made plain values into Y types
        const group = {
          origin,
          update: change?.update ?? emptyUpdate, // a session may start with nothing in it
          changes: [{ kind: isSilent ? ('update' as const) : kind }],
        };
        const durable = this.log.submit({
          group: change || kind === 'session' ? group : null,
          writes: [...ids, ...version.writes],
          settle: () => versions.settle(version.state),
        });
        return { state: version.state, durable };
      });
    });
    await durable;
    return state;
  }

  /** Runs what changes the document: if it fails midway, memory no longer says what is stored, and is dropped. */
  private async mutate<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.opened = null;
      if (error instanceof RejoinError && error.code === 'undecodable')
        this.observe('update-not-applied', error.message);
      throw error;
    }
  }

  /** Lets the document write under this life's clientID; returns the write that keeps it. */
  private takeOwnId(doc: Doc): Write[] {
    const ids = this.log.clientIds;
    const own = ids ?? drawClientIds(this.context.environment);
    doc.clientID = own.edits;
    return ids ? [] : [this.log.useClientIds(own)];
  }

  /** Two writers under one clientID would make documents diverge: when there is another, we take a new one. */
  private avoidForeignIds(doc: Doc, newClients: ReadonlySet<number>): Write[] {
    const ids = this.log.clientIds;
    if (!ids || !(newClients.has(ids.edits) || newClients.has(ids.uploads))) return [];
    this.observe('client-ids-replaced', `a client wrote under ${ids.edits} or ${ids.uploads}`);
    const own = drawClientIds(this.context.environment);
    doc.clientID = own.edits;
    return [this.log.useClientIds(own)];
  }

  private observe(
    type: Exclude<ObservedEvent['type'], 'store-failed' | 'store-recovered'>,
    detail: string,
  ): void {
    this.context.observer.observe({ type, project: this.id, detail });
  }
}

/** A Yjs update without structs and deletions. */
const emptyUpdate = new Uint8Array([0, 0]);

function toChange({ kind, versionUuid, value }: ProjectObject): NewChange {
  return { kind, versionUuid, object: Buffer.from(JSON.stringify(value), 'utf8') };
}
