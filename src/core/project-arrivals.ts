// What another server sends of one project with a snapshot (REP-7): kept beside the log until all of it is here, then taken over at
// once. So the document never knows more than the log, and a project isn't there before it can be served whole.

import { RejoinError, messageOf } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { Arrival, findArrivals, type ArrivedPart } from '../store/arrivals.ts';
import { planArrival } from './arrival-plan.ts';
import type { Accepted, ProjectReplica } from './project-replica.ts';
import { objectsIn } from './received-objects.ts';
import type { ProjectState } from './project-state.ts';
import { SnapshotReceipt, type SnapshotTaker } from './snapshot-receipt.ts';
import { joinDocument, takeArrival } from './take-arrival.ts';
import type { Upkeep } from './upkeep.ts';

export class ProjectArrivals implements SnapshotTaker {
  private lastNumber = 0;

  constructor(
    private readonly state: ProjectState,
    private readonly replica: ProjectReplica,
    private readonly upkeep: Upkeep,
  ) {}

  /** When the project is opened: what a crash has interrupted is gone on with in the next turn, or removed if it wasn't whole. */
  async recall(): Promise<void> {
    const { context, log } = this.state;
    for await (const arrival of findArrivals(context.store, log.keys)) {
      this.lastNumber = arrival.number;
      if (await arrival.isBegun()) this.state.finishInterrupted = () => this.goOn(arrival);
      else this.remove(arrival);
    }
  }

  /** For one stream of another server. @param release is called when it is closed. */
  receive(release: () => void): SnapshotReceipt {
    return new SnapshotReceipt(this, release);
  }

  // ---- for receipts

  begin(): Arrival {
    return new Arrival(this.state.context.store, this.state.log.keys, ++this.lastNumber);
  }

  keep(arrival: Arrival, part: ArrivedPart): Promise<void> {
    return this.telling(() => arrival.add(part));
  }

  /**
   * All of it is here.
   * @param covers what its snapshot has.
   * @throws RejoinError `bad-request`, `undecodable`, `damaged`, `unavailable`, `outcome-unknown`.
   */
  take(arrival: Arrival, covers: VersionVector): Promise<Accepted> {
    return this.state.writing(() => this.takeInTurn(arrival, covers));
  }

  /** In the background. */
  remove(arrival: Arrival): void {
    void this.upkeep.run(this.state.id, async () => {
      if (!(await arrival.isBegun())) await arrival.remove();
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
        await state.log.submit({ group: null, writes: [arrival.begin({ from })] });
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
      const isLost =
        error instanceof RejoinError && error.code !== 'unavailable' && error.code !== 'outcome-unknown';
      if (!isLost) throw error;
      state.observe('damage', `What another server had sent can't be taken any more: ${messageOf(error)}`);
    }
    state.finishInterrupted = null;
  }

  /** The store is to be recovered after a failed write, wherever it was. */
  private async telling<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (error instanceof RejoinError && error.code === 'outcome-unknown')
        this.state.context.recovery.failed(error);
      throw error;
    }
  }
}
