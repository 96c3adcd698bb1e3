// What is kept of snapshots that were cut off on their way from other servers (REP-7): at most one for each project, the one that was
// begun last. It is found in the store each time, so that a restart and a store that is opened anew change nothing. ProjectArrivals
// has one for its project.

import { hasCode } from '../errors.ts';
import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import { highestOf, isBehind, type VersionVector } from '../model/version-vector.ts';
import { findArrivals, type Arrival, type ArrivalLabel } from '../store/arrivals.ts';
import type { ProjectState } from './project-state.ts';
import { vectorOfRecords } from './record-vector.ts';

/** Of which snapshot an arrival is. */
export interface LabelledArrival {
  readonly arrival: Arrival;
  readonly label: ArrivalLabel;
}

/** One that can be gone on with. */
export interface FoundArrival extends LabelledArrival {
  readonly kept: KeptSnapshot;
}

export class KeptArrivals {
  /** The numbers of those that somebody adds to, takes or removes. */
  private readonly used = new Set<number>();

  constructor(
    private readonly state: ProjectState,
    /** In the background. */
    private readonly remove: (arrival: Arrival) => void,
  ) {}

  /** Nobody else gets it until it is released. */
  use({ number }: Arrival): void {
    this.used.add(number);
  }

  release({ number }: Arrival): void {
    this.used.delete(number);
  }

  /**
   * What another server need not send again, in use from now on; null if there is nothing. All of it is read, so that nothing goes on
   * behind what is damaged: that is kept no longer.
   * @throws RejoinError `unavailable`.
   */
  async find(): Promise<FoundArrival | null> {
    const newest = await this.tidy();
    if (!newest) return null;
    const { arrival, label } = newest;
    try {
      const { parts, pieces, vector } = await contentsOf(arrival);
      if (this.used.has(arrival.number)) return null;
      this.use(arrival);
      arrival.goOnBehind(parts);
      return { arrival, label, kept: { name: label.name, pieces, vector } };
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      this.state.observe('damage', `What another server had sent is asked for again: ${error.message}`);
      this.discard(arrival);
      return null;
    }
  }

  /** Removes what nobody uses and nobody will. @returns what is left. @throws RejoinError `unavailable`. */
  async tidy(): Promise<LabelledArrival | null> {
    const { context, log } = this.state;
    let newest: LabelledArrival | null = null;
    for await (const arrival of findArrivals(context.store, log.keys)) {
      if (this.used.has(arrival.number) || (await arrival.isBegun())) continue;
      const label = await arrival.label();
      if (!label || !this.isLacking(label)) {
        this.discard(arrival);
        continue;
      }
      if (newest) this.discard(newest.arrival);
      newest = { arrival, label };
    }
    return newest;
  }

  /** Whether the snapshot has something that isn't here by now. */
  private isLacking({ covers }: ArrivalLabel): boolean {
    const { log } = this.state;
    return !log.info?.tombstone && isBehind(log.durableVector, covers);
  }

  private discard(arrival: Arrival): void {
    if (this.used.has(arrival.number)) return;
    this.use(arrival);
    this.remove(arrival);
  }
}

/** @throws RejoinError `damaged`, `unavailable`. */
async function contentsOf(
  arrival: Arrival,
): Promise<{ parts: number; pieces: number; vector: VersionVector }> {
  let vector: VersionVector = new Map();
  let parts = 0;
  let pieces = 0;
  for await (const { piece, records } of arrival.read()) {
    parts++;
    if (piece.length > 0) pieces++;
    vector = highestOf(vector, vectorOfRecords(records));
  }
  return { parts, pieces, vector };
}
