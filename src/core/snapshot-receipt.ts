// One snapshot on its way from another server, with the records that go with it (REP-7): a link hands over its parts in their
// order, and says when it has no more to do with it.

import type { VersionVector } from '../model/version-vector.ts';
import type { Arrival, ArrivedPart } from '../store/arrivals.ts';
import { readGroups } from '../store/received-groups.ts';
import type { Accepted } from './project-replica.ts';

export interface SnapshotPart extends ArrivedPart {
  /** What came before of another one is given up. */
  readonly isFirst: boolean;
  /** Nothing is taken before this one. */
  readonly isLast: boolean;
  /** What the snapshot has: records up to there may come without their updates. */
  readonly covers: VersionVector;
}

/** Keeps what comes, and takes it when it is whole. */
export interface SnapshotTaker {
  begin(): Arrival;
  /** Resolves when it is durable. */
  keep(arrival: Arrival, part: ArrivedPart): Promise<void>;
  take(arrival: Arrival, covers: VersionVector): Promise<Accepted>;
  /** Unless it has to be taken. */
  remove(arrival: Arrival): void;
}

export class SnapshotReceipt {
  private arrival: Arrival | null = null;
  private isClosed = false;
  private adding: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly arrivals: SnapshotTaker,
    private readonly release: () => void,
  ) {}

  /**
   * Resolves when it is durable; of the last one, when all of it is taken: see ProjectReplica.
   * @throws RejoinError `bad-request`, `damaged`, `undecodable`, `unavailable`, `outcome-unknown`.
   */
  add(part: SnapshotPart): Promise<Accepted> {
    const added = this.adding.then(() => this.addNext(part));
    this.adding = added.catch(() => undefined); // the caller hears of it
    return added;
  }

  /** What isn't whole is given up. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    void this.adding.then(() => {
      this.discard();
      this.release();
    });
  }

  private async addNext(part: SnapshotPart): Promise<Accepted> {
    if (part.isFirst) {
      this.discard();
      this.arrival = this.arrivals.begin();
    }
    const { arrival } = this;
    if (!arrival || this.isClosed)
      return { type: 'gap', detail: 'A part of a snapshot came that does not follow the one before' };
    readGroups(part.records); // nothing is kept that can't be taken
    await this.arrivals.keep(arrival, part);
    if (!part.isLast) return { type: 'accepted', changes: 0 };
    try {
      return await this.arrivals.take(arrival, part.covers);
    } finally {
      this.discard();
    }
  }

  private discard(): void {
    if (this.arrival) this.arrivals.remove(this.arrival);
    this.arrival = null;
  }
}
