// The versions of a project's `udt` part, as UDT's clients count them: numbers, hashes and patches, kept as version
// records beside the log. They are this server's own and are never replicated (UDT-3).

import { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { anonymous, type Origin } from '../model/origin.ts';
import { sealJson, unsealJson } from '../store/digest.ts';
import { readLastNumber, type ProjectKeys } from '../store/keys.ts';
import { firstOf, type Store, type Write } from '../store/store.ts';
import type { Edit } from './edits.ts';
import { writeAnswer, type KeyedRequest } from './idempotency.ts';
import { RecentVersions } from './recent-versions.ts';
import type { UdtHasher } from './udt-hash.ts';
import { readOrTell, sealVersionRecord, type VersionRecord } from './version-record.ts';
import { wirePatch } from './wire-patch.ts';

/** The `udt` part at one version. Values of `view` never change. */
export interface UdtState {
  /** epoch · 2³² + n (UDT-3). */
  readonly version: number;
  readonly view: JsonObject;
  /** UDT-2's hash of `view`. */
  readonly hash: number;
  /** What made this version; null for the first. */
  readonly record: VersionRecord | null;
}

/** A version in the making. */
export interface UdtStep {
  readonly state: UdtState;
  readonly writes: Write[];
}

/** What a client that knows an older version lacks. */
export interface UdtDifferences {
  /** One entry per version, oldest first; a rebuild is one entry without edits. */
  readonly versions: readonly Pick<VersionRecord, 'user' | 'patch' | 'edits'>[];
  readonly latest: UdtState;
}

export class UdtVersions {
  /** The newest version, durable or not: the next one builds on it. */
  private newest: UdtState;
  /** The newest durable version: what clients see. */
  private shown: UdtState;
  private readonly recent = new RecentVersions();

  private constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    private epoch: number,
    private readonly hasher: UdtHasher,
    private readonly onDamage: (detail: string) => void,
    first: UdtState,
    private topLevelKeys: ReadonlySet<string>,
  ) {
    this.newest = first;
    this.shown = first;
  }

  /**
   * @param epoch of this life of the server for this project: 0 for a session that it created.
   * @param view the `udt` part after all changes of the log.
   */
  static async load(
    store: Store,
    keys: ProjectKeys,
    epoch: number,
    hasher: UdtHasher,
    view: JsonObject,
    onDamage: (detail: string) => void,
  ): Promise<UdtVersions> {
    const last = await firstOf(store, { ...keys.allVersions(), reverse: true });
    const record = last ? readOrTell(last, onDamage) : null;
    const hash = hasher.hash(view);
    // A new life goes on counting under its own epoch. If the newest version is not what the document is, some may be
    // lost: their numbers are left out, and clients that know them are sent the whole state.
    const n = last ? readLastNumber(last.key) : 0;
    const version = epoch * epochSize + (last && record?.hash !== hash ? n + lostVersionsMax : n);
    const named = await readTopLevelKeys(store, keys, onDamage);
    const first = { version, view, hash, record };
    return new UdtVersions(store, keys, epoch, hasher, onDamage, first, new Set(named));
  }

  get latest(): UdtState {
    return this.shown;
  }

  /** The hash that the stored record of the newest version claims, to be compared after a load; null without records. */
  get claimedHash(): number | null {
    return this.newest.record?.hash ?? null;
  }

  /**
   * Makes the next version. Its writes go into the batch of the change that causes it; `settle` when they are durable.
   * @param view the `udt` part after the change.
   * @param edits from the version before to `view`, exactly.
   * @param request the request that causes it, if its client has given it a key.
   */
  next(
    view: JsonObject,
    edits: readonly Edit[],
    origin: Origin,
    nowMs: number,
    request?: KeyedRequest,
  ): UdtStep {
    const patch = wirePatch(this.newest.view, view);
    const version = this.epoch * epochSize + (this.newest.version % epochSize) + 1;
    const timeMs = Math.max(nowMs, this.newest.record?.timeMs ?? 0);
    const hash = this.hasher.hash(view);
    const { user, protocol } = origin;
    const record = { version, timeMs, user, protocol, patch, edits, hash, idempotencyKey: request?.key };
    const key = this.keys.version(version % epochSize);
    const writes = [{ key, value: sealVersionRecord(key, record) }, ...this.nameTopLevelKeys(view)];
    if (request) writes.push(writeAnswer(this.keys, request, { version, hash }));
    this.newest = { version, view, hash, record };
    return { state: this.newest, writes };
  }

  /** For the change that creates a session: version 0, which has no record. The epoch of this life is 0 for it. */
  first(view: JsonObject): UdtStep {
    this.epoch = 0;
    this.newest = { version: 0, view, hash: this.hasher.hash(view), record: null };
    return { state: this.newest, writes: this.nameTopLevelKeys(view) };
  }

  settle(state: UdtState): void {
    this.shown = state;
    if (state.record) this.recent.push(state.record);
  }

  /** All versions after `since`, or a rebuild where they are no use to the client (UDT-10). */
  async after(since: number): Promise<UdtDifferences> {
    const latest = this.shown;
    if (since === latest.version) return { versions: [], latest };
    const sameEpoch = Math.floor(since / epochSize) === this.epoch;
    if (!sameEpoch || since > latest.version) return this.rebuild(latest);
    const versions = await this.records(since, latest.version);
    return versions ? { versions, latest } : this.rebuild(latest);
  }

  /** All versions accepted after a moment, or a rebuild. */
  async afterTime(sinceMs: number, createdMs: number): Promise<UdtDifferences> {
    const latest = this.shown;
    if (sinceMs < createdMs) return this.rebuild(latest);
    let first = latest.version;
    let isOldestFound = first % epochSize === 0;
    const range = { ...this.keys.allVersions(), reverse: true };
    search: for await (const page of this.store.scan(range)) {
      for (const { key, value } of page) {
        const record = readOrTell({ key, value }, this.onDamage);
        if (!record) return this.rebuild(latest);
        isOldestFound = record.timeMs <= sinceMs || record.version === 1;
        if (record.timeMs <= sinceMs) break search;
        if (Math.floor(record.version / epochSize) !== this.epoch) return this.rebuild(latest);
        if (record.version > latest.version) continue; // not durable yet
        first = record.version - 1;
      }
    }
    if (!isOldestFound) return this.rebuild(latest); // UDT-13: some between are not kept any more
    const versions = await this.records(first, latest.version);
    return versions ? { versions, latest } : this.rebuild(latest);
  }

  /** The records of (since, upTo], or null if one is missing or of another epoch. */
  private async records(since: number, upTo: number): Promise<readonly VersionRecord[] | null> {
    const recent = this.recent.between(since, upTo);
    if (recent) return recent;
    const found: VersionRecord[] = [];
    let bytes = 0;
    const range = this.keys.versions((since % epochSize) + 1, upTo % epochSize);
    for await (const page of this.store.scan(range)) {
      for (const { key, value } of page) {
        bytes += value.length;
        if (bytes > answerBytesMax) return null; // a rebuild says the same with less
        const record = readOrTell({ key, value }, this.onDamage);
        if (!record) return null;
        found.push(record);
      }
    }
    const complete = found.every(({ version }, index) => version === since + 1 + index);
    return complete && found.length === upTo - since ? found : null;
  }

  /**
   * UDT-10: one patch that makes any older state the present one, never an empty one. Where keys have gone it replaces
   * the whole document: the v1 client's patch library throws at the removal of a top-level key, and the client then
   * polls no more.
   */
  private rebuild(latest: UdtState): UdtDifferences {
    const { view } = latest;
    const present = Object.entries(view);
    const hasLostKeys = [...this.topLevelKeys].some((key) => !Object.hasOwn(view, key));
    const hasOddKeys = present.some(([key]) => key === '' || /[~/]/.test(key)); // UDT-9: it can't find them
    const patch: Operation[] =
      hasLostKeys || hasOddKeys || present.length === 0
        ? [{ op: 'replace', path: '', value: view }]
        : present.map(([key, value]) => ({ op: 'replace', path: `/${key}`, value }));
    return { versions: [{ user: latest.record?.user ?? anonymous, patch, edits: [] }], latest };
  }

  private nameTopLevelKeys(view: JsonObject): Write[] {
    const keys = Object.keys(view);
    if (keys.every((key) => this.topLevelKeys.has(key))) return [];
    this.topLevelKeys = new Set([...this.topLevelKeys, ...keys]);
    const key = this.keys.topLevelKeys;
    return [{ key, value: sealJson(key, [...this.topLevelKeys]) }];
  }
}

/** If they can't be read, the present ones are as good as it gets. */
async function readTopLevelKeys(
  store: Store,
  { topLevelKeys }: ProjectKeys,
  onDamage: (detail: string) => void,
): Promise<readonly string[]> {
  const sealed = await store.get(topLevelKeys);
  if (!sealed) return [];
  try {
    return z.array(z.string()).parse(unsealJson(topLevelKeys, sealed));
  } catch (error) {
    onDamage(`the top-level keys of udt: ${messageOf(error)}`);
    return [];
  }
}

const epochSize = 2 ** 32;
/** More than that are not written before they are on disk. */
const lostVersionsMax = 2 ** 16;
/** More patches than this are answered with a rebuild. */
const answerBytesMax = 16 * 1024 * 1024;
