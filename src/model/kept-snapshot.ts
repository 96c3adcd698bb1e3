// What is kept of a snapshot that was cut off on its way from one server to another: the receiver says it, and the sender goes on
// behind it (REP-7).

import type { VersionVector } from './version-vector.ts';

/** Of the name of a snapshot. */
export const snapshotNameBytes = 16;

export interface KeptSnapshot {
  /** Tells the sender's stored snapshot from all others. */
  readonly name: Uint8Array;
  /** How many of its pieces are kept, from the first on. */
  readonly pieces: number;
  /** The records that are kept: of each server id up to a seqno, as far as they came. */
  readonly vector: VersionVector;
}
