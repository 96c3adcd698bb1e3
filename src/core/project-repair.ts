// Puts changes that the log of one project has lost back into their places, from the records that another server has of them;
// where nothing can come any more, an empty change closes the gap. Replicas calls it for the links.

import * as Y from 'yjs';
import { MissingChanges, type SeqnoRange } from '../store/missing-changes.ts';
import { readQuarantine, writeQuarantine } from '../store/quarantine.ts';
import type { ReceivedRecord } from '../store/received-groups.ts';
import { decodeRecord, type LogRecord } from '../store/record.ts';
import { missingIn } from '../store/recover-heads.ts';
import { newestWholeSnapshot } from '../store/snapshots.ts';
import type { Write } from '../store/store.ts';
import { LogOrder } from './log-order.ts';
import { objectsIn } from './received-objects.ts';
import type { ProjectState } from './project-state.ts';
import { RepairBatch } from './repair-batch.ts';
import { placeOf } from './repair-places.ts';
import type { Upkeep } from './upkeep.ts';

export interface Repaired {
  /** How many changes are in their places again. */
  readonly changes: number;
  /** How much is still wanted. */
  readonly missing: number;
}

export class ProjectRepair {
  /** What was put back, or comes again behind the end, may lie in another order than it did. */
  private readonly order: LogOrder;

  constructor(
    private readonly state: ProjectState,
    private readonly upkeep: Upkeep,
  ) {
    this.order = new LogOrder(state, upkeep);
  }

  /** Whether nothing is still to be done. */
  get isIdle(): boolean {
    return this.order.isIdle;
  }

  /** To be called when the project is opened: what a stop has interrupted is gone on with. */
  recall(): Promise<void> {
    return this.order.recall();
  }

  /** What can be asked for. @throws RejoinError `damaged`, `unavailable`. */
  async lost(): Promise<readonly SeqnoRange[]> {
    return (await this.missing()).ranges();
  }

  /**
   * Takes records of those that are missing here; what isn't missing, or doesn't fit where it belongs, is left out. Resolves when
   * they are durable.
   * @throws RejoinError `bad-request`, `damaged` for records that can't be read; `unavailable`, `outcome-unknown`.
   */
  take(records: readonly Uint8Array[]): Promise<Repaired> {
    const received = records.map((bytes): ReceivedRecord => ({ ...decodeRecord(bytes), bytes }));
    return this.alone((missing) => this.putBack(received, missing));
  }

  /**
   * To be called when another server has given all it has of what can be asked for: the positions of which nobody knows what was
   * at them are closed. What was there comes behind the end, as anything that is new here.
   */
  finish(): Promise<Repaired> {
    return this.alone(async (missing) => {
      if (missing.count > 0 && this.areGaps(missing)) await this.closeGaps(missing);
      return 0;
    });
  }

  /** Some of what was lost may be back: the catalogue is to say what still is. */
  async recountDamage(): Promise<void> {
    if (!this.state.log.info?.damage) return;
    await this.state.writing(async () => {
      await this.state.current();
      await this.state.log.recountDamage();
    });
  }

  /** To be called when nothing is missing any more, though nothing came back: see LogOrder. */
  secureOrder(): Promise<void> {
    return this.order.secure();
  }

  /**
   * What is missing is noted in a turn among the background work (ProjectCheck): not while it is changed here.
   * @param repair is called in the project's turn.
   */
  private async alone(repair: (missing: MissingChanges) => Promise<number>): Promise<Repaired> {
    let repaired: Repaired = { changes: 0, missing: 0 };
    await this.upkeep.runFor(this.state.id, async () => {
      repaired = await this.state.writing(() => this.inTurn(repair));
    });
    if (repaired.missing === 0) await this.order.secure();
    return repaired;
  }

  private async inTurn(repair: (missing: MissingChanges) => Promise<number>): Promise<Repaired> {
    const { state } = this;
    await state.current();
    if (!state.log.info || state.log.info.tombstone) return { changes: 0, missing: 0 };
    await state.log.durable();
    const missing = await this.missing();
    const isWanting = missing.count > 0;
    const changes = isWanting ? await repair(missing) : 0;
    if (changes > 0 || (isWanting && missing.count === 0)) await state.log.recountDamage();
    state.context.wanted.note(state.id, missing.count > 0);
    return { changes, missing: missing.count };
  }

  /** @returns how many records were put back. */
  private async putBack(records: readonly ReceivedRecord[], missing: MissingChanges): Promise<number> {
    const { log, context } = this.state;
    const objects = objectsIn([{ serverId: 0, firstSeqno: 0, lastSeqno: 0, update: null, records }]);
    const batch = new RepairBatch(context.store, log.keys, objects);
    const covered = records.some(lacksUpdate) ? await this.coveredTo() : 0;
    let isOrdered = true;
    for (const record of records) {
      const place = await placeOf(record, missing, { store: context.store, keys: log.keys, batch });
      if (!place) continue;
      const { position, isCertain } = place;
      // Its update is not here and not in a snapshot: what another server has of it is still wanted.
      const isUpdateWanted = lacksUpdate(record) && position > covered;
      const there = await batch.recordAt(position);
      const isBetter = !there || (lacksUpdate(there) && !lacksUpdate(record));
      if (isBetter) await batch.place(position, record);
      if (isUpdateWanted) missing.placed(record.serverId, record.seqno, position);
      else missing.found(record.serverId, record.seqno, position);
      isOrdered &&= isCertain;
    }
    if (batch.size === 0 && missing.edits === 0) return 0;
    await this.write(batch, isOrdered ? [this.mark(missing)] : [this.mark(missing), this.order.mark()]);
    return batch.size;
  }

  private async write(batch: RepairBatch, marks: readonly Write[]): Promise<void> {
    const { log, context, keeper, id } = this.state;
    const held = context.holders.hold(id, batch.matches);
    const described = log.describeWith(batch.records);
    const writes = [...(await batch.writes()), ...held.writes, ...marks];
    if (described) writes.push(described.write);
    const settle = (): void => {
      held.settle();
      described?.settle();
    };
    const arrivals = [...batch.objects].map(({ kind, versionUuid }) => log.uuids.add(kind, versionUuid));
    try {
      await log.submit({ group: null, writes, settle });
    } finally {
      for (const arrived of arrivals) arrived();
    }
    log.putBack(batch.hasRepeats);
    // One that couldn't be made can be now. An open one was made of all that is missing.
    if (!keeper.current) keeper.drop();
  }

  /** Whether as many positions have no number: else some of what is missing has one that isn't known yet. */
  private areGaps(missing: MissingChanges): boolean {
    return missing.numbered === 0 && missingIn(this.state.log.appended) === missing.count;
  }

  /** An empty change of this server's stands in each from now on, here and in the logs of all others. */
  private async closeGaps(missing: MissingChanges): Promise<void> {
    const { state } = this;
    const { context, id } = state;
    // Seqnos rise with the positions: none of the life that writes them may be behind the gaps.
    const own = context.life.serverId;
    if ((state.log.appended.vector.get(own) ?? 0) > 0) {
      await context.renewLife(
        `Gaps in the log of ${JSON.stringify(id)} are closed under a new server id`,
        own,
      );
      await state.current();
    }
    const positions = [...missing.freePositions];
    for (const position of positions) missing.filled(position);
    const empty = Y.encodeStateAsUpdate(new Y.Doc());
    const { writes, track } = state.log.stageFilling(positions, empty, [
      this.mark(missing),
      this.order.mark(),
    ]);
    await track(context.store.write(writes));
    if (!state.keeper.current) state.keeper.drop();
  }

  private async missing(): Promise<MissingChanges> {
    const { context, log } = this.state;
    return new MissingChanges(await readQuarantine(context.store, log.keys));
  }

  private mark(missing: MissingChanges): Write {
    const { context, log } = this.state;
    return writeQuarantine(log.keys, context.environment.now(), missing.list());
  }

  /** Up to here a snapshot that is whole has what updates say; 0 if there is none. */
  private async coveredTo(): Promise<number> {
    const { context, log } = this.state;
    const onDamage = (detail: string): void => this.state.observe('damage', detail);
    return (await newestWholeSnapshot(context.store, log.keys, onDamage))?.position ?? 0;
  }
}

function lacksUpdate({ groupIndex, update }: LogRecord): boolean {
  return groupIndex === 0 && !update;
}
