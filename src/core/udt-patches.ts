// The patches of `udt` for one reader of the log (WS-23): each brings whoever applied those before from the state of the change
// before to that of its own. Where a patch isn't kept, one that makes the whole state stands for all up to a later change.

import { RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { decodeRecord } from '../store/record.ts';
import type { Change } from '../store/change.ts';
import {
  hasUnkeptPatch,
  firstUdtChange,
  isUdtChange,
  lastUdtChange,
  readUdtChange,
} from '../store/udt-changes.ts';
import { readLastNumber } from '../store/read-key.ts';
import type { ProjectState } from './project-state.ts';
import { readOrTell, type VersionRecord } from './version-record.ts';

/** Patches by position; changes up to `readTo` without one are left out. */
export interface FoundPatches {
  readonly patches: ReadonlyMap<number, readonly Operation[]>;
  readonly readTo: number;
}

type Phase =
  /** The reader has the state of the last change it was given. */
  | { readonly type: 'exact' }
  /** It is given nothing before this change: the newest one when it lost track, null if that was not looked up yet. */
  | { readonly type: 'stale'; readonly until: number | null }
  /** It is given this state at this change. */
  | { readonly type: 'rebuilding'; readonly at: number; readonly view: JsonObject };

/** What is known of a change: the patch of its version, or that there is none, or that `udt` isn't there yet. */
type Kept = readonly Operation[] | 'unkept' | 'nothing';

const lost: Phase = { type: 'stale', until: null };

interface KeptPatches {
  readonly kept: ReadonlyMap<number, Kept>;
  /** What is up to here and not in `kept` isn't kept. */
  readonly readTo: number;
}

const nothingKept: KeptPatches = { kept: new Map(), readTo: 0 };

/** So many version records are read at a time for one that is wanted: PATCHes that change nothing, and refreshes, are among them. */
const recordsPerChange = 2;

export class UdtPatches {
  private phase: Phase;

  private constructor(
    private readonly state: ProjectState,
    private readonly since: VersionVector,
    /** Behind it the reader knows nothing, unless somebody else has told it. */
    readonly after: number,
    private readonly historyEnd: number,
    mayBeStale: boolean,
  ) {
    this.phase = mayBeStale ? lost : { type: 'exact' };
  }

  /**
   * @param after the position of `since`.
   * @param historyEnd what is behind it is new to every reader.
   */
  static async open(
    state: ProjectState,
    since: VersionVector,
    after: number,
    historyEnd: number,
  ): Promise<UdtPatches> {
    return new UdtPatches(state, since, after, historyEnd, await mayBeStale(state, after));
  }

  /** @param changes of `udt`: all that follow those that the last call has answered, in their order. */
  async take(changes: readonly Change[]): Promise<FoundPatches> {
    const patches = new Map<number, readonly Operation[]>();
    const wanted = changes.filter(({ position }) => position > this.after);
    const known = this.phase.type === 'exact' ? await this.keptOf(wanted) : nothingKept;
    let readTo = 0;
    for (const change of wanted) {
      const { position } = change;
      if (this.phase.type === 'exact') {
        if (position > known.readTo) return { patches, readTo };
        const patch = this.isKnown(change) ? 'unkept' : (known.kept.get(position) ?? 'unkept');
        if (typeof patch !== 'string') patches.set(position, patch);
        if (patch === 'unkept') this.phase = lost;
      }
      readTo = position;
      const view = await this.rebuiltAt(position);
      if (!view) continue;
      patches.set(position, [{ op: 'replace', path: '', value: view }]);
      return { patches, readTo }; // nothing may fail behind it: it would be taken for sent
    }
    return { patches, readTo: Infinity };
  }

  /** Somebody else has told the reader of it, on another base. */
  private isKnown({ position, serverId, seqno }: Change): boolean {
    return position <= this.historyEnd && seqno <= (this.since.get(serverId) ?? 0);
  }

  /** @returns the state at this change, if it is the one at which the reader is given the whole. */
  private async rebuiltAt(position: number): Promise<JsonObject | null> {
    if (this.phase.type === 'stale') {
      const until = this.phase.until ?? (await lastChange(this.state, this.state.log.shownPosition));
      this.phase = { type: 'stale', until };
      if (position < until) return null;
      // The document is opened, and its state held, only now that the reader is about there.
      const { view, position: at } = await presentState(this.state);
      this.phase = { type: 'rebuilding', at: Math.max(at, position), view };
    }
    if (this.phase.type === 'exact' || position < this.phase.at) return null;
    const { view } = this.phase;
    this.phase = { type: 'exact' };
    return view;
  }

  /** What was kept of the first of these, and of so many more as one look into memory or the store tells. */
  private async keptOf(changes: readonly Change[]): Promise<KeptPatches> {
    const kept = new Map<number, Kept>();
    let readTo = 0;
    for (const { position } of changes) {
      const record = this.state.keeper.currentVersions?.recentAt(position);
      if (!record) break;
      kept.set(position, record.patch ?? 'unkept');
      readTo = position;
    }
    const [first] = changes;
    return readTo > 0 || !first ? { kept, readTo } : this.storedOf(first, changes.length);
  }

  private async storedOf(first: Change, count: number): Promise<KeptPatches> {
    const { store } = this.state.context;
    const { keys } = this.state.log;
    const { position } = first;
    const n = await readUdtChange(store, keys, position);
    if (n === null) return { kept: new Map([[position, 'unkept']]), readTo: position };
    if (n === undefined) {
      const isSlice = await this.isSlice(first);
      return { kept: new Map([[position, isSlice ? 'nothing' : 'unkept']]), readTo: position };
    }
    const kept = new Map<number, Kept>();
    let readTo = position;
    for (const record of await this.recordsFrom(n, recordsPerChange * count)) {
      if (record.position === undefined) continue;
      kept.set(record.position, record.patch ?? 'unkept');
      readTo = Math.max(readTo, record.position);
    }
    return { kept, readTo };
  }

  /** Version records from n on, as far as they are whole and take no more memory than a page. None if that one is gone. */
  private async recordsFrom(n: number, limit: number): Promise<readonly VersionRecord[]> {
    const { keys } = this.state.log;
    const onDamage = (detail: string): void => this.state.observe('damage', detail);
    const records: VersionRecord[] = [];
    const range = { ...keys.allVersions(), from: keys.version(n), limit };
    for await (const page of this.state.context.store.scan(range)) {
      for (const entry of page) {
        const isWanted = records.length > 0 || readLastNumber(entry.key) === n;
        const record = isWanted ? readOrTell(entry, onDamage) : null;
        if (!record) return records;
        records.push(record);
      }
      return records;
    }
    return records;
  }

  /** Of a session that was created in slices the first is nothing yet: its last one brings it. */
  private async isSlice({ kind, position }: Change): Promise<boolean> {
    return kind === 'session' && position >= ((await this.state.log.indexedFrom()) ?? Infinity);
  }
}

/**
 * Whether a reader that knows the log up to a position may have been left, by a cut, before a change at which it was to be
 * given the whole: it then has a state that no patch fits.
 */
async function mayBeStale({ context: { store }, log }: ProjectState, after: number): Promise<boolean> {
  if (after === 0) return false; // it has nothing
  const { keys } = log;
  // It was given this very change: what comes at a change makes its state.
  if ((await readUdtChange(store, keys, after)) !== undefined) return false;
  if (((await log.indexedFrom()) ?? Infinity) > 1 || (await hasUnkeptPatch(store, keys, after))) return true;
  const first = await firstUdtChange(store, keys, after);
  if (!first) return false;
  // The oldest versions are removed first (UDT-13).
  return first.n === null || (await store.get(keys.version(first.n))) === undefined;
}

/** The last change of `udt` up to a position; 0 if there is none. */
async function lastChange({ context: { store }, log }: ProjectState, upTo: number): Promise<number> {
  const indexed = await lastUdtChange(store, log.keys, upTo);
  const indexedFrom = (await log.indexedFrom()) ?? Infinity;
  if (indexed >= indexedFrom) return indexed;
  const range = { ...log.keys.records(indexed + 1, Math.min(upTo, indexedFrom - 1)), reverse: true };
  for await (const page of store.scan(range))
    for (const { key, value } of page) if (isUdtChange(decodeRecord(value))) return readLastNumber(key);
  return indexed;
}

/** `udt` as it is when all in it is durable, and the change that made it so. */
async function presentState(state: ProjectState): Promise<{ view: JsonObject; position: number }> {
  return state.rereading(async () => {
    const { view, upTo, durable } = await state.queue.run(async () => {
      const { document, nextPosition } = await state.open();
      return { view: document.udt.copy(), upTo: nextPosition() - 1, durable: state.log.settled() };
    });
    await durable.catch((cause: unknown) => {
      throw new RejoinError('unavailable', 'What was read is not on disk', { cause });
    });
    return { view, position: await lastChange(state, upTo) };
  });
}
