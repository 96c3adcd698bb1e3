// What another server sends of one project with a snapshot (REP-7): kept beside the log until all of it is here, then taken over at
// once. So the document never knows more than the log, and a project isn't there before it can be served whole.

import { RejoinError, hasCode, isStoreFailure, messageOf } from '../errors.ts';
import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { Arrival, findArrivals, type ArrivalLabel, type ArrivedPart } from '../store/arrivals.ts';
import { planArrival } from './arrival-plan.ts';
import { KeptArrivals } from './kept-arrivals.ts';
import type { Accepted, ProjectReplica } from './project-replica.ts';
import { objectsIn } from './received-objects.ts';
import type { ProjectState } from './project-state.ts';
import { SnapshotReceipt, type SnapshotTaker } from './snapshot-receipt.ts';
import { joinDocument, takeArrival } from './take-arrival.ts';
import type { Upkeep } from './upkeep.ts';

/** Where the rest of a snapshot may come that was cut off. */
export interface ResumedReceipt {
  readonly kept: KeptSnapshot;
  readonly receipt: SnapshotReceipt;
}

export class ProjectArrivals implements SnapshotTaker {
  private lastNumber = 0;
  private readonly kept: KeptArrivals;
  /** Receipts that are let go, and aren't at their end. */
  private readonly closing = new Set<Promise<void>>();
  /** How many wait to be removed. */
  private removing = 0;

  constructor(
    private readonly state: ProjectState,
    private readonly replica: ProjectReplica,
    private readonly upkeep: Upkeep,
  ) {
    this.kept = new KeptArrivals(state, (arrival) => this.remove(arrival));
  }

  /** Whether nothing is still to be done. */
  get isIdle(): boolean {
    return this.closing.size === 0 && this.removing === 0;
  }

  /**
   * When the project is opened: what a crash has interrupted while it was taken is gone on with in the next turn; what wasn't whole is
   * kept if it can be gone on with, else removed.
   */
  async recall(): Promise<void> {
    const { context, log } = this.state;
    for await (const arrival of findArrivals(context.store, log.keys)) {
      this.lastNumber = arrival.number;
      if (await arrival.isBegun()) this.state.finishInterrupted = () => this.goOn(arrival);
    }
    if (this.lastNumber > 0) await this.kept.tidy();
  }

  /** For one stream of another server. @param release is called when it is closed. */
  receive(release: () => void): SnapshotReceipt {
    return new SnapshotReceipt(this, null, release);
  }

  /**
   * The same where something is kept of a snapshot that was cut off; else null, and nothing is called.
   * @throws RejoinError `unavailable`.
   */
  async resume(release: () => void): Promise<ResumedReceipt | null> {
    while (this.closing.size > 0) await Promise.all(this.closing);
    const found = await this.kept.find();
    return found && { kept: found.kept, receipt: new SnapshotReceipt(this, found, release) };
  }

  // ---- for receipts

  begin(): Arrival {
    const arrival = new Arrival(this.state.context.store, this.state.log.keys, ++this.lastNumber);
    this.kept.use(arrival);
    return arrival;
  }

  keep(arrival: Arrival, part: ArrivedPart, label: ArrivalLabel | null): Promise<void> {
    return this.telling(() => arrival.add(part, label));
  }

  async letGo(arrival: Arrival): Promise<void> {
    this.kept.release(arrival);
    await this.kept.tidy().catch(() => undefined); // the store fails: who asks next looks again
  }

  isClosing(end: Promise<void>): void {
    this.closing.add(end);
    void end.finally(() => this.closing.delete(end));
  }

  /**
   * All of it is here.
   * @param covers what its snapshot has.
   * @throws RejoinError `bad-request`, `undecodable`, `damaged`, `unavailable`, `outcome-unknown`.
   */
  async take(arrival: Arrival, covers: VersionVector): Promise<Accepted> {
    const accepted = await this.state.writing(() => this.takeInTurn(arrival, covers));
    await this.kept.tidy().catch(() => undefined); // it is of no use any more, and who asks next looks again
    return accepted;
  }

  /** In the background. */
  remove(arrival: Arrival): void {
    this.removing++;
    const removed = this.upkeep.run(this.state.id, async () => {
      if (!(await arrival.isBegun())) await arrival.remove();
    });
    void removed.finally(() => {
      this.removing--;
      this.kept.release(arrival);
    });
  }

  private async takeInTurn(arrival: Arrival, covers: VersionVector): Promise<Accepted> {
    const { state } = this;
    await state.current();
    if (state.log.info?.tombstone) return { type: 'accepted', changes: 0 };
    await state.log.durable();
    const plan = await planArrival(arrival, state.log.appended.vector, covers, async (groups) => {
      objectsIn(groups); // what can't be read must be found before anything is begun
      await this.replica.leaveOwnSequence(groups);
    });
    if (plan.problem) return { type: 'gap', detail: plan.problem };
    if (plan.changes === 0) return { type: 'accepted', changes: 0 };
    const from = state.log.appended.position + 1;
    const joined = await joinDocument(state, arrival, from, plan);
    state.finishInterrupted = () => this.goOn(arrival);
    const changes = await this.telling(() =>
      state.mutate(async () => {
        await state.log.submit({ group: null, writes: arrival.begin({ from }) });
        return takeArrival(state, arrival, plan, joined);
      }),
    );
    state.finishInterrupted = null;
    return { type: 'accepted', changes };
  }

  /** After a crash, or a failure of the store: there is no way back, and no other project may be written to before it. */
  private async goOn(arrival: Arrival): Promise<void> {
    const { state } = this;
    try {
      const mark = await arrival.mark();
      if (mark) {
        await state.log.durable();
        const plan = await planArrival(arrival, state.log.appended.vector, null, () => Promise.resolve());
        const joined = await joinDocument(state, arrival, mark.from, plan);
        await this.telling(() => state.mutate(() => takeArrival(state, arrival, plan, joined)));
        this.remove(arrival);
      }
    } catch (error) {
      if (!(error instanceof RejoinError) || isStoreFailure(error)) throw error;
      state.observe('damage', `What another server had sent can't be taken any more: ${messageOf(error)}`);
    }
    state.finishInterrupted = null;
  }

  /** The store is to be recovered after a failed write, wherever it was. */
  private async telling<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (hasCode(error, 'outcome-unknown')) this.state.context.recovery.failed(error);
      throw error;
    }
  }
}
