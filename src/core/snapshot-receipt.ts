// One snapshot on its way from another server, with the records that go with it (REP-7): a link hands over its parts in their
// order, and says when it has no more to do with it.

import { isStoreFailure } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { Arrival, ArrivalLabel, ArrivedPart } from '../store/arrivals.ts';
import { readGroups } from '../store/received-groups.ts';
import type { LabelledArrival } from './kept-arrivals.ts';
import type { Accepted } from './project-replica.ts';

export interface SnapshotPart extends ArrivedPart {
  /** What came before of another one is given up. Another part begins nothing: it follows what came, or what is kept. */
  readonly isFirst: boolean;
  /** Nothing is taken before this one. */
  readonly isLast: boolean;
  /** What the snapshot has: records up to there may come without their updates. */
  readonly covers: VersionVector;
  /** Tells the snapshot from all others: what is cut off is kept if there is one. */
  readonly name?: Uint8Array;
}

/** Keeps what comes, and takes it when it is whole. */
export interface SnapshotTaker {
  begin(): Arrival;
  /** Resolves when it is durable. */
  keep(arrival: Arrival, part: ArrivedPart, label: ArrivalLabel | null): Promise<void>;
  take(arrival: Arrival, covers: VersionVector): Promise<Accepted>;
  /** Unless it has to be taken. */
  remove(arrival: Arrival): void;
  /** It was cut off, and may be gone on with. Resolves when nothing else is kept. */
  letGo(arrival: Arrival): Promise<void>;
  /** Nothing is found of what is kept before this has ended. */
  isClosing(end: Promise<void>): void;
}

export class SnapshotReceipt {
  private current: { readonly arrival: Arrival; readonly label: ArrivalLabel | null } | null = null;
  private kept: LabelledArrival | null;
  private isClosed = false;
  private adding: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly arrivals: SnapshotTaker,
    /** What a first part that isn't the first of a snapshot goes on with, if it is of the same one. */
    kept: LabelledArrival | null,
    private readonly release: () => void,
  ) {
    this.kept = kept;
  }

  /**
   * Resolves when it is durable; of the last one, when all of it is taken: see ProjectReplica.
   * @throws RejoinError `bad-request`, `damaged`, `undecodable`, `unavailable`, `outcome-unknown`.
   */
  add(part: SnapshotPart): Promise<Accepted> {
    const added = this.adding.then(() => this.addNext(part));
    this.adding = added.catch(() => undefined); // the caller hears of it
    return added;
  }

  /** What isn't whole is kept if it can be gone on with, else given up. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.arrivals.isClosing(
      this.adding.then(async () => {
        const { current, kept } = this;
        this.current = null;
        if (kept) await this.arrivals.letGo(kept.arrival);
        if (current?.label) await this.arrivals.letGo(current.arrival);
        else if (current) this.arrivals.remove(current.arrival);
        this.release();
      }),
    );
  }

  private async addNext(part: SnapshotPart): Promise<Accepted> {
    const label = part.name ? { name: part.name, covers: part.covers } : null;
    this.findPlace(part.isFirst, label);
    const { current } = this;
    if (!current || this.isClosed || !isSame(label, current.label))
      return { type: 'gap', detail: 'A part of a snapshot came that does not follow the one before' };
    const { arrival } = current;
    readGroups(part.records); // nothing is kept that can't be taken
    await this.arrivals.keep(arrival, part, label);
    if (!part.isLast) return { type: 'accepted', changes: 0 };
    try {
      const accepted = await this.arrivals.take(arrival, part.covers);
      this.discard();
      return accepted;
    } catch (error) {
      if (!isStoreFailure(error)) this.discard(); // it would fail again
      throw error;
    }
  }

  private findPlace(isFirst: boolean, label: ArrivalLabel | null): void {
    if (isFirst) {
      this.discard();
      this.current = { arrival: this.arrivals.begin(), label };
    } else if (!this.current && this.kept && isSame(label, this.kept.label)) {
      this.current = this.kept;
      this.kept = null;
    }
  }

  private discard(): void {
    if (this.current) this.arrivals.remove(this.current.arrival);
    this.current = null;
  }
}

function isSame(one: ArrivalLabel | null, other: ArrivalLabel | null): boolean {
  return one && other ? Buffer.compare(one.name, other.name) === 0 : one === other;
}
