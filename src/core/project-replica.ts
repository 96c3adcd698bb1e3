// What one project takes from other servers: groups under the numbers that those gave them, logged as they came (REP-1,
// REP-4). Whatever else a change brings about here, a version of `udt` or a place in an index, is this server's own.

import { hasCode } from '../errors.ts';
import type { ReceivedGroup, ReceivedRecord } from '../store/received-groups.ts';
import type { Write } from '../store/store.ts';
import { isUdtChange, writeUdtChange } from '../store/udt-changes.ts';
import { stepOfReceived, type Opened } from './commits.ts';
import { KnownGroups } from './known-groups.ts';
import type { OpenDocument } from './open-document.ts';
import { replaceIdsAmong } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';
import { ReceivedBatch } from './received-batch.ts';
import { objectsIn, type ReceivedObject } from './received-objects.ts';
import { checkUpdate } from './update-check.ts';

export type Accepted =
  | { readonly type: 'accepted'; /** How many were new. */ readonly changes: number }
  /** Something before it is missing here: what came before that is stored, and the rest was not taken (REP-3). */
  | { readonly type: 'gap'; readonly detail: string };

/** For groups that are given before those that they follow are durable. */
export interface Succession {
  /** `LiveLog.era` when those before them were taken; null if they are durable. */
  readonly behind: number | null;
  /** All of them are numbered and on their way to the disk: what follows may be given. */
  readonly onTaken: (era: number) => void;
}

/** With fewer at once, asking the store for each costs less than remembering all. */
const manyObjects = 64;

const alone: Succession = { behind: null, onTaken: () => undefined };

interface WholeGroup extends ReceivedGroup {
  readonly update: Uint8Array;
}

export class ProjectReplica {
  private readonly known: KnownGroups;

  constructor(private readonly state: ProjectState) {
    this.known = new KnownGroups(state);
  }

  /**
   * Takes groups in the order of another server's log. Resolves when they are durable.
   * @param isUnfinished whether a session that was made in slices is not complete with them.
   * @param succession causality is kept also where they follow what isn't durable yet: if that is lost, nothing is taken (REP-3).
   * @throws RejoinError `bad-request`, `undecodable`; `conflict` if one number has two contents; `unavailable`, `outcome-unknown` if
   *   the store fails. A project that is deleted takes nothing, and says that it has.
   */
  accept(
    groups: readonly ReceivedGroup[],
    isUnfinished: boolean,
    { behind, onTaken }: Succession = alone,
  ): Promise<Accepted> {
    const { state } = this;
    const objects = objectsIn(groups);
    // What comes to an empty project is likely to be the first of very many.
    if (objects.size >= manyObjects && state.log.appended.position === 0) {
      state.log.uuids.startEmpty();
      state.onUsed(); // it takes more memory now
    }
    const endLookUp = state.log.uuids.lookUpAll([...objects.values()]);
    const accepted = state.context.recovery.writing(async () => {
      const { outcome, era, durable } = await state.inTurn(() =>
        this.take(groups, objects, isUnfinished, behind),
      );
      if (outcome.type === 'accepted') onTaken(era);
      await durable;
      return outcome;
    });
    return state.asking(accepted.finally(endLookUp));
  }

  private async take(
    groups: readonly ReceivedGroup[],
    objects: ReadonlyMap<ReceivedRecord, ReceivedObject>,
    isUnfinished: boolean,
    behind: number | null,
  ): Promise<{ outcome: Accepted; era: number; durable: Promise<unknown> }> {
    const { state } = this;
    await state.current();
    await this.checkKnown(groups);
    const { era } = state.log;
    if (behind !== null && behind !== era)
      return {
        outcome: { type: 'gap', detail: 'What it follows was lost' },
        era,
        durable: state.log.settled(),
      };
    if (state.log.info?.tombstone)
      return { outcome: { type: 'accepted', changes: 0 }, era, durable: state.log.settled() };
    await this.leaveOwnSequence(groups);
    const { fresh, gap } = this.nextOf(groups);
    const batch = new ReceivedBatch(state, objects);
    let problem = gap;
    await state.mutate(async () => {
      for (const group of fresh) {
        if (this.isOnlyLogged(group)) {
          const objects = batch.objectsOf(group);
          const options = { isUnfinished: false, update: group.update, writes: [] };
          batch.add(group, objects instanceof Promise ? await objects : objects, options);
          continue;
        }
        const lack = await this.stage(group, goesOn(group, groups, isUnfinished), batch);
        if (lack === null) continue;
        problem = lack;
        break;
      }
      batch.write();
    });
    const outcome: Accepted = problem
      ? { type: 'gap', detail: problem }
      : { type: 'accepted', changes: batch.changes };
    const durable = Promise.all([state.log.settled(), batch.durable]);
    this.known.note(fresh, durable);
    return { outcome, era, durable };
  }

  /** Those that are here already, before anything is decided: the store may fail meanwhile, and lose what others follow. */
  private async checkKnown(groups: readonly ReceivedGroup[]): Promise<void> {
    const { state } = this;
    const heads = state.log.appended.vector;
    const known = groups.filter(({ serverId, lastSeqno }) => lastSeqno <= (heads.get(serverId) ?? 0));
    if (known.length === 0 || state.log.info?.tombstone) return;
    await this.known.check(known);
    await state.current();
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
    for (const group of groups) {
      const { serverId, firstSeqno, lastSeqno } = group;
      const head = heads.get(serverId) ?? 0;
      if (lastSeqno <= head) continue;
      if (firstSeqno !== head + 1)
        return {
          fresh,
          gap: `[${serverId}, ${firstSeqno}] came, and ${head + 1} is the next of that server`,
        };
      if (!hasUpdate(group))
        return {
          fresh,
          gap: `[${serverId}, ${firstSeqno}] came without its update, which was compacted away`,
        };
      heads.set(serverId, lastSeqno);
      fresh.push(group);
    }
    return { fresh, gap: null };
  }

  /**
   * Whether a group needs no document, as far as that is known without waiting: of most it is, and they come by the hundred
   * thousand.
   */
  private isOnlyLogged({ records }: ReceivedGroup): boolean {
    const { keeper, log } = this.state;
    if (keeper.current || keeper.currentVersions?.isBegun !== false || log.info?.session) return false;
    return !records.some((record) => record.kind === 'slice' || isUdtChange(record));
  }

  /**
   * @param isUnfinished whether a session goes on behind it: nobody may see that yet, unless the project is there without it.
   * @returns what of its base is missing here (YJS-8), or null if it is taken.
   */
  private async stage(
    group: WholeGroup,
    isUnfinished: boolean,
    batch: ReceivedBatch,
  ): Promise<string | null> {
    const { state } = this;
    const isPart = isUnfinished && !state.log.info;
    if (isPart) state.keeper.drop(); // the document that somebody opened before is without it
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
    const objects = await batch.objectsOf(group);
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
    batch.add(group, objects, { isUnfinished, update: group.update, writes, settle });
    return null;
  }

  /**
   * The document, where the change may show in `udt`, so that it makes a version, or where the document is open anyway. Objects
   * and what applications keep in other roots need none.
   */
  private async openFor({ records }: ReceivedGroup, batch: ReceivedBatch): Promise<Opened | null> {
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
    const { keeper } = this.state;
    try {
      return await keeper.open();
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
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
}

function hasUpdate(group: ReceivedGroup): group is WholeGroup {
  return group.update !== null;
}

/** Whether a group is a part of a session behind which more of it comes, in what was sent with it or later. */
function goesOn(group: ReceivedGroup, sent: readonly ReceivedGroup[], isUnfinished: boolean): boolean {
  if (!isSlice(group)) return false;
  const next = sent.find(
    ({ serverId, firstSeqno }) => serverId === group.serverId && firstSeqno > group.lastSeqno,
  );
  return next ? isSliceOrClosing(next) : isUnfinished;
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
