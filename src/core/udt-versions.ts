// The versions of a project's `udt` part, as UDT's clients count them: numbers, hashes and patches, kept as version
// records beside the log. They are this server's own and are never replicated (UDT-3). This makes the next one and says which
// one clients see; version-history.ts has those before.

import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { anonymous, type Origin } from '../model/origin.ts';
import type { ProjectKeys } from '../store/keys.ts';
import { readLastNumber } from '../store/read-key.ts';
import { firstOf, type Store, type Write } from '../store/store.ts';
import { writeAnswer, type KeyedRequest } from './idempotency.ts';
import { TopLevelKeys } from './top-level-keys.ts';
import type { UdtChange } from './udt-change.ts';
import type { UdtHashes } from './udt-part.ts';
import { VersionHistory, epochSize } from './version-history.ts';
import { readOrTell, type VersionRecord } from './version-record.ts';
import { firstPatch, ifShort, sealVersion, writePlace } from './version-writes.ts';
import { wirePatchOf } from './wire-patch.ts';

/** The `udt` part at one version. */
export interface UdtState extends UdtHashes {
  /** epoch · 2³² + n (UDT-3). */
  readonly version: number;
  /** What made this version; null for the first. */
  readonly record: VersionRecord | null;
}

/** A version in the making. */
export interface UdtStep {
  readonly state: UdtState;
  readonly writes: Write[];
}

/** The `udt` part after a change, as far as a version tells of it. */
export interface UdtNow extends UdtHashes {
  readonly view: JsonObject;
  /** What v2 clients are told of the change; null if they must be sent everything. */
  readonly summaryPatch: readonly Operation[] | null;
}

/** Who made a version, and when. */
export interface VersionCause {
  readonly origin: Origin;
  readonly nowMs: number;
  /** If its client has given the request a key. */
  readonly request?: KeyedRequest | undefined;
  /** Of the change in the log that is made of it; null if that isn't one of `udt`. */
  readonly position: number | null;
}

export class UdtVersions {
  readonly topLevelKeys: TopLevelKeys;
  /** The newest version, durable or not: the next one builds on it. */
  private newest: UdtState;
  /** The newest durable version: what clients see. */
  private shown: UdtState;
  /** When the newest version was made that changed anything; by this server's clock, milliseconds since 1970. */
  changedMs: number;
  /** Whether the next change is made to something else than what the newest version left. */
  private isBaseLost = false;

  private constructor(
    private readonly keys: ProjectKeys,
    private readonly history: VersionHistory,
    private epoch: number,
    first: UdtState,
    /** Whether the hashes are those of the document, or were at least kept as such. */
    private knowsHashes: boolean,
    topLevelKeys: TopLevelKeys,
  ) {
    this.newest = first;
    this.shown = first;
    // The project may have been out of memory for a moment. A version that changed nothing does no harm here (UDT-8).
    this.changedMs = first.record?.timeMs ?? -Infinity;
    this.topLevelKeys = topLevelKeys;
  }

  /**
   * @param epoch of this life of the server for this project: 0 for a session that it created.
   * @param isWhole whether nothing of the project is known to be lost: then its newest version is relied on.
   */
  static async load(
    store: Store,
    keys: ProjectKeys,
    epoch: number,
    onDamage: (detail: string) => void,
    isWhole: boolean,
  ): Promise<UdtVersions> {
    const last = await firstOf(store, { ...keys.allVersions(), reverse: true });
    const record = last ? readOrTell(last, onDamage) : null;
    // A new life goes on counting under its own epoch.
    const n = last ? readLastNumber(last.key) : 0;
    const { hash = 0, summary } = record ?? {};
    const first = {
      version: epoch * epochSize + n,
      hash,
      summaryHash: summary?.hash ?? 0,
      record: n > 0 ? record : null,
    };
    const names = await TopLevelKeys.load(store, keys, onDamage);
    const history = new VersionHistory(store, keys, onDamage);
    return new UdtVersions(keys, history, epoch, first, isWhole && summary !== undefined, names);
  }

  /** The newest durable version; null until the document was read, if its hashes were not kept. */
  get latest(): UdtState | null {
    return this.knowsHashes ? this.shown : null;
  }

  /** Whether there was a version before the one that a session begins with. */
  get isBegun(): boolean {
    return this.newest.version % epochSize > 0;
  }

  /** The newest version, durable or not. To be asked when the document is open. */
  get newestState(): UdtState {
    return this.newest;
  }

  /**
   * Takes what the document says, which was read after everything was durable. If the newest version is not what the document
   * is, some may be lost: their numbers are left out, and clients that know them are sent the whole state.
   * @returns whether that was so.
   */
  confirm(hashes: UdtHashes): boolean {
    const { record, version, hash } = this.newest;
    const n = version % epochSize;
    const isOther = this.knowsHashes ? hash !== hashes.hash : n > 0 && record?.hash !== hashes.hash;
    this.newest = { ...this.newest, ...hashes, version: isOther ? version + lostVersionsMax : version };
    this.shown = this.newest;
    this.knowsHashes = true;
    if (isOther) this.history.forgetRecent();
    this.isBaseLost = isOther;
    return isOther;
  }

  /**
   * Makes the next version. Its writes go into the batch of the change that causes it; `settle` when they are durable.
   * @param change from the version before to this one; null if it changes nothing.
   */
  next(now: UdtNow, change: UdtChange | null, cause: VersionCause): UdtStep {
    const { origin, nowMs, request } = cause;
    // WS-23: its patch follows from nothing that readers have.
    const position = this.isBaseLost ? null : cause.position;
    const { view, hash, summaryHash, summaryPatch } = now;
    const made = {
      patch: ifShort(change ? wirePatchOf(change.places, view) : []),
      edits: ifShort(change?.edits ?? []),
      hash,
      summary: { patch: ifShort(summaryPatch), hash: summaryHash },
    };
    if (change) this.changedMs = nowMs;
    const at = position === null ? {} : { position };
    const step = this.add({ ...made, ...origin, ...at, idempotencyKey: request?.key }, nowMs);
    step.writes.push(...this.topLevelKeys.name(view), ...writePlace(this.keys, step.state, cause.position));
    // What no change of the log shows, such as a format that another server saw no text under, goes with the next one.
    if (change) this.isBaseLost = cause.position === null;
    const { version } = step.state;
    if (request) step.writes.push(writeAnswer(this.keys, request, { version, hash, summaryHash }));
    return step;
  }

  /** A version that no patch leads to: who knows an older one is sent the whole state (UDT-10, REP-7). */
  rebuild({ view, hash, summaryHash }: UdtNow, { origin, nowMs, position }: VersionCause): UdtStep {
    const summary = { patch: null, hash: summaryHash };
    const at = position === null ? {} : { position };
    const step = this.add({ patch: null, edits: null, hash, summary, ...origin, ...at }, nowMs);
    step.writes.push(...this.topLevelKeys.name(view), ...writePlace(this.keys, step.state, position));
    this.changedMs = nowMs;
    this.knowsHashes = true;
    this.isBaseLost = position === null;
    return step;
  }

  /** A version whose patch changes nothing, so that every client's poll refreshes its screen (UDT-8). */
  refresh(patch: readonly Operation[], nowMs: number): UdtStep {
    const { hash, summaryHash } = this.newest;
    const summary = { patch: [], hash: summaryHash };
    const user = this.newest.record?.user ?? anonymous;
    return this.add({ patch, edits: [], hash, summary, user, protocol: 'server', isRefresh: true }, nowMs);
  }

  /**
   * For the change that completes a session: n is 0.
   * @param isOwn whether this life has created it: then its epoch is 0 (UDT-3).
   */
  first(
    { view, hash, summaryHash }: UdtNow,
    { origin, nowMs, position }: VersionCause,
    isOwn: boolean,
  ): UdtStep {
    if (isOwn) this.epoch = 0;
    const version = this.epoch * epochSize;
    this.knowsHashes = true;
    const { record, write } = sealVersion(this.keys, {
      version,
      timeMs: nowMs,
      ...origin,
      ...(position !== null && { position }),
      patch: firstPatch(view),
      edits: [],
      hash,
      summary: { patch: [], hash: summaryHash },
    });
    this.newest = { version, hash, summaryHash, record: null };
    const place = writePlace(this.keys, { version, record }, position);
    return { state: this.newest, writes: [write, ...this.topLevelKeys.name(view), ...place] };
  }

  settle(state: UdtState): void {
    this.shown = state;
  }

  /** The version that the change at a position of the log made, if it is still in memory. */
  recentAt(position: number): VersionRecord | undefined {
    return this.history.recentAt(position);
  }

  /** The versions after `since`, oldest first; null if they are no use to the client (UDT-10). */
  async after(since: number): Promise<readonly VersionRecord[] | null> {
    const { version } = this.shown;
    if (since === version) return [];
    return this.isOfThisEpoch(since) && since < version ? this.history.between(since, version) : null;
  }

  /** The versions accepted after a moment; null if some of them are not kept any more (UDT-13). */
  async afterTime(sinceMs: number, createdMs: number): Promise<readonly VersionRecord[] | null> {
    return sinceMs < createdMs ? null : this.history.afterTime(sinceMs, this.shown.version);
  }

  /** The versions after `since` up to the newest one, durable or not; null if not all of them are known. */
  async recordsSince(since: number): Promise<readonly VersionRecord[] | null> {
    const { version } = this.newest;
    return this.isOfThisEpoch(since) && since <= version ? this.history.between(since, version) : null;
  }

  private isOfThisEpoch(version: number): boolean {
    return Math.floor(version / epochSize) === this.epoch;
  }

  private add(
    made: Omit<VersionRecord, 'version' | 'timeMs' | 'summary'> & Required<Pick<VersionRecord, 'summary'>>,
    nowMs: number,
  ): UdtStep {
    const version = this.epoch * epochSize + (this.newest.version % epochSize) + 1;
    const timeMs = Math.max(nowMs, this.newest.record?.timeMs ?? 0);
    const { record, write } = sealVersion(this.keys, { version, timeMs, ...made });
    const { hash } = record;
    this.newest = { version, hash, summaryHash: record.summary?.hash ?? 0, record };
    this.history.add(record, write.value.length); // those that are not durable yet are not shown
    return { state: this.newest, writes: [write] };
  }
}

/** More than that are not written before they are on disk. */
const lostVersionsMax = 2 ** 16;
