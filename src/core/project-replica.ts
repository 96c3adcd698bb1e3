// What one project takes from other servers: groups under the numbers that those gave them, logged as they came (REP-1,
// REP-4). Whatever else a change brings about here, a version of `udt` or a place in an index, is this server's own.

import { RejoinError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { matchesOf } from '../model/matches.ts';
import { asAuthored, isObjectKind, type ObjectKind } from '../model/objects.ts';
import type { LoggedObject } from '../store/group-batch.ts';
import type { ReceivedGroup, ReceivedRecord } from '../store/received-groups.ts';
import type { Write } from '../store/store.ts';
import { isUdtChange, writeUdtChange } from '../store/udt-changes.ts';
import { stepOfReceived, type Opened } from './commits.ts';
import { jsonEquals } from './json-equals.ts';
import type { Staged } from './live-log.ts';
import type { OpenDocument } from './open-document.ts';
import { replaceIdsAmong } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';
import { checkUpdate } from './update-check.ts';

export type Accepted =
  | { readonly type: 'accepted'; /** How many were new. */ readonly changes: number }
  /** Something before it is missing here: what came before that is stored, and the rest was not taken (REP-3). */
  | { readonly type: 'gap'; readonly detail: string };

interface WholeGroup extends ReceivedGroup {
  readonly update: Uint8Array;
}

export class ProjectReplica {
  constructor(private readonly state: ProjectState) {}

  /**
   * Takes groups in the order of another server's log. Resolves when they are durable.
   * @param isUnfinished whether a session that was made in slices is not complete with them.
   * @throws RejoinError `bad-request`, `undecodable`; `unavailable`, `outcome-unknown` if the store fails. A project that is
   *   deleted takes nothing, and says that it has.
   */
  accept(groups: readonly ReceivedGroup[], isUnfinished: boolean): Promise<Accepted> {
    const { state } = this;
    const objects = objectsIn(groups);
    const lookups = [...objects.values()].map(({ kind, versionUuid }) =>
      state.log.uuids.lookUp(kind, versionUuid),
    );
    const accepted = state.context.recovery.writing(async () => {
      const { outcome, durable } = await state.inTurn(() => this.take(groups, objects, isUnfinished));
      await durable;
      return outcome;
    });
    return state.asking(
      accepted.finally(() => {
        for (const end of lookups) end();
      }),
    );
  }

  private async take(
    groups: readonly ReceivedGroup[],
    objects: ReadonlyMap<ReceivedRecord, ObjectIn>,
    isUnfinished: boolean,
  ): Promise<{ outcome: Accepted; durable: Promise<unknown> }> {
    const { state } = this;
    await state.current();
    if (state.log.info?.tombstone)
      return { outcome: { type: 'accepted', changes: 0 }, durable: state.log.settled() };
    await this.leaveOwnSequence(groups);
    const { fresh, gap } = this.nextOf(groups);
    const batch = new Batch(state, objects);
    let problem = gap;
    await state.mutate(async () => {
      for (const [index, group] of fresh.entries()) {
        const isPart = isSlice(group) && this.isUnfinishedAt(fresh, index, isUnfinished);
        const lack = await this.stage(group, isPart, batch);
        if (lack === null) continue;
        problem = lack;
        break;
      }
      batch.write();
    });
    const outcome: Accepted = problem
      ? { type: 'gap', detail: problem }
      : { type: 'accepted', changes: batch.changes };
    return { outcome, durable: Promise.all([state.log.settled(), ...batch.durable]) };
  }

  /** REP-8: whoever has more of our own sequence than we do has it from a life whose folder we are a copy of. */
  async leaveOwnSequence(groups: readonly ReceivedGroup[]): Promise<void> {
    const { state } = this;
    const { serverId } = state.context.life;
    const own = state.log.appended.vector.get(serverId) ?? 0;
    const ahead = groups.find((group) => group.serverId === serverId && group.lastSeqno > own);
    if (!ahead) return;
    const reason = `another server has change ${ahead.lastSeqno} of ${JSON.stringify(state.id)} by this server, which knows ${own}`;
    await state.context.renewLife(reason, serverId);
    await state.current();
  }

  /** Those that are new, as far as each is the next of its server id. */
  private nextOf(groups: readonly ReceivedGroup[]): { fresh: WholeGroup[]; gap: string | null } {
    const heads = new Map(this.state.log.appended.vector);
    const fresh: WholeGroup[] = [];
    for (const { update, ...group } of groups) {
      const { serverId, firstSeqno, lastSeqno } = group;
      const head = heads.get(serverId) ?? 0;
      if (lastSeqno <= head) continue;
      if (firstSeqno !== head + 1)
        return {
          fresh,
          gap: `[${serverId}, ${firstSeqno}] came, and ${head + 1} is the next of that server`,
        };
      if (!update)
        return {
          fresh,
          gap: `[${serverId}, ${firstSeqno}] came without its update, which was compacted away`,
        };
      heads.set(serverId, lastSeqno);
      fresh.push({ ...group, update });
    }
    return { fresh, gap: null };
  }

  /** Whether a session that nobody may see yet goes on behind one of its slices. */
  private isUnfinishedAt(groups: readonly ReceivedGroup[], index: number, isUnfinished: boolean): boolean {
    if (this.state.log.info) return false;
    return isUnfinished || groups.slice(index + 1).some(isSliceOrClosing);
  }

  /** @returns what of its base is missing here (YJS-8), or null if it is taken. */
  private async stage(group: WholeGroup, isPart: boolean, batch: Batch): Promise<string | null> {
    const { state } = this;
    const opened = isPart ? null : await this.openFor(group, batch);
    const writes: Write[] = [];
    let step = null;
    if (opened) {
      const { doc } = opened.document;
      const check = checkUpdate(doc, group.update);
      if (check.type === 'missing') return missing(group, check.ranges);
      const ids = replaceIdsAmong(check.newClients, state.log, doc, state.context.environment);
      if (ids) {
        state.observe('client-ids-replaced', ids.replaced);
        writes.push(ids.write);
      }
    }
    const objects = [];
    for (const record of group.records) objects.push(await this.loggedObject(record, batch));
    if (opened) {
      const change = opened.document.applyUpdate(group.update);
      const nowMs = state.context.environment.now();
      step = stepOfReceived(opened, change, group.records, nowMs, !state.log.info);
      writes.push(...(step?.writes ?? []));
      state.keeper.grown(group.update);
    } else if (!isPart) writes.push(...this.untoldChanges(group));
    const settle = (): void => {
      if (step) opened?.versions.settle(step.state);
    };
    batch.add(
      state.log.stageReceived(group, objects, { isUnfinished: isPart, update: group.update, writes, settle }),
      group,
    );
    return null;
  }

  /**
   * The document, where the change may show in `udt`, so that it makes a version, or where the document is open anyway. Objects
   * and what applications keep in other roots need none.
   */
  private async openFor({ records }: ReceivedGroup, batch: Batch): Promise<Opened | null> {
    const { keeper, log } = this.state;
    const tells = records.some(isUdtChange) || Boolean(log.info?.session);
    if (!tells && !keeper.current && !(await keeper.versions()).isBegun) return null;
    if (!keeper.current) batch.write(); // it is read from the store
    const opened = await this.openIfWhole();
    if (!opened) return null;
    const { document } = opened;
    this.state.onUsed();
    const versions = await keeper.versions();
    return { document, versions, keys: log.keys, nextPosition: () => log.appended.position + 1 };
  }

  /** Null while so much of the log is lost that no document can be made of it: what comes may be what it needs. */
  private async openIfWhole(): Promise<OpenDocument | null> {
    const { keeper, context, id } = this.state;
    try {
      return await keeper.open();
    } catch (error) {
      const isLost = error instanceof RejoinError && error.code === 'damaged' && context.wanted.has(id);
      if (!isLost) throw error;
      return null;
    }
  }

  /** Changes of `udt` that make no version of their own: it is told of with the first one behind them (UDT-10, WS-23). */
  private untoldChanges({ records }: ReceivedGroup): Write[] {
    const { log } = this.state;
    const first = log.appended.position + 1;
    return records.flatMap((record, index) =>
      isUdtChange(record) ? writeUdtChange(log.keys, first + index, null) : [],
    );
  }

  /** What is known of a record that is an object; null if it is none (REP-6). @param batch what is staged before it. */
  async loggedObject(record: ReceivedRecord, batch: Batch): Promise<LoggedObject | null> {
    const object = batch.received.get(record);
    if (!object) return null;
    const { kind, versionUuid, value } = object;
    const matches = matchesOf(kind, value);
    const first =
      batch.objects.get(nameOf(object)) ??
      ((await this.state.log.uuids.has(kind, versionUuid)) && (await this.firstOf(kind, versionUuid)));
    if (!first) {
      batch.objects.set(nameOf(object), value);
      return { kind, versionUuid, matches, repeat: null };
    }
    const isSame = isJsonObject(first) && jsonEquals(asAuthored(first), asAuthored(value));
    const repeat = isSame ? 'same' : 'other';
    if (repeat === 'other')
      this.state.observe('object-differs', `${kind} ${JSON.stringify(versionUuid)} has two contents`);
    return { kind, versionUuid, matches, repeat };
  }

  private async firstOf(kind: ObjectKind, versionUuid: string): Promise<Json> {
    await this.state.log.durable(); // it may be on its way
    return this.state.log.objectOf(kind, versionUuid);
  }
}

/** What of a frame is staged and goes to the store at once. */
export class Batch {
  readonly durable: Promise<void>[] = [];
  /** Objects that were staged, by kind and uuid. */
  readonly objects = new Map<string, JsonObject>();
  changes = 0;
  private staged: Staged[] = [];

  constructor(
    private readonly state: ProjectState,
    /** The objects among the records that came. */
    readonly received: ReadonlyMap<ReceivedRecord, ObjectIn>,
  ) {}

  add(staged: Staged, { records }: ReceivedGroup): void {
    this.staged.push(staged);
    this.changes += records.length;
  }

  write(): void {
    const { staged } = this;
    if (staged.length === 0) return;
    this.staged = [];
    const written = this.state.context.store.write(staged.flatMap(({ writes }) => writes));
    for (const { track } of staged) {
      const durable = track(written);
      durable.catch(() => undefined); // who waits for all of the frame hears of it
      this.durable.push(durable);
    }
  }
}

export interface ObjectIn {
  readonly kind: ObjectKind;
  readonly versionUuid: string;
  readonly value: JsonObject;
}

/** The objects among the records that came. @throws RejoinError `bad-request` if the record of an object holds none. */
export function objectsIn(groups: readonly ReceivedGroup[]): Map<ReceivedRecord, ObjectIn> {
  const objects = new Map<ReceivedRecord, ObjectIn>();
  for (const { records } of groups)
    for (const record of records) {
      const object = objectIn(record);
      if (object) objects.set(record, object);
    }
  return objects;
}

/** @throws RejoinError `bad-request` if the record of an object holds none. */
function objectIn({ serverId, seqno, kind, object }: ReceivedRecord): ObjectIn | null {
  if (!isObjectKind(kind) || !object) return null;
  const value = parsed(object);
  if (!isJsonObject(value) || typeof value.version_uuid !== 'string')
    throw new RejoinError('bad-request', `The record [${serverId}, ${seqno}] holds no ${kind}`);
  return { kind, versionUuid: value.version_uuid, value };
}

function parsed(bytes: Uint8Array): Json {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as Json;
  } catch {
    return null;
  }
}

function nameOf({ kind, versionUuid }: ObjectIn): string {
  return `${kind} ${versionUuid}`;
}

function isSlice({ records: [first] }: ReceivedGroup): boolean {
  return first?.kind === 'session' || first?.kind === 'slice';
}

function isSliceOrClosing({ records: [first] }: ReceivedGroup): boolean {
  return first?.kind === 'slice' || first?.kind === 'closing';
}

function missing({ serverId, firstSeqno }: ReceivedGroup, ranges: string): string {
  return `[${serverId}, ${firstSeqno}] builds on changes of the document that are not here: ${ranges}`;
}
