// Gives the pieces of a project's snapshot to another server that lacks what was compacted away (REP-7). ReplicaReader asks for
// them.

import { RejoinError, hasCode, messageOf } from '../errors.ts';
import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { findSnapshots, nameOfSnapshot, readSnapshot, type Snapshot } from '../store/snapshots.ts';
import type { ProjectState } from './project-state.ts';

export interface SnapshotPiece {
  /** Empty if there is none: of a document that is empty, or where the other server has kept all of them. */
  readonly piece: Uint8Array;
  /** What came before is of no use. */
  readonly isFirst: boolean;
  /** What the snapshot has. */
  readonly covers: VersionVector;
  /** Tells the snapshot from all others: see KeptSnapshot. */
  readonly name: Uint8Array;
}

export class SnapshotSource {
  constructor(private readonly state: ProjectState) {}

  /**
   * The newest snapshot that can be read, or the one of which the other server has kept the beginning: it is gone on with behind
   * that. If one turns out to be damaged, another one follows from its beginning. If there is none,
   * one may be on its way in the project's turn (see take-arrival.ts); at last the document makes one while it can.
   * @param position it covers.
   * @throws RejoinError `damaged` if there is none; `unavailable`.
   */
  async *pieces(position: number, kept: KeptSnapshot | null): AsyncGenerator<SnapshotPiece> {
    const { keeper, queue } = this.state;
    const damaged = new Set<string>();
    for (const prepare of [none, () => queue.run(() => this.state.open()), () => keeper.makeSnapshotNow()]) {
      await prepare();
      for (const snapshot of await this.candidates(position, kept)) {
        const name = Buffer.from(this.nameOf(snapshot)).toString('hex');
        if (damaged.has(name)) continue;
        try {
          yield* this.piecesOf(snapshot, kept);
          return;
        } catch (error) {
          if (!hasCode(error, 'damaged')) throw error;
          this.tell(messageOf(error));
          damaged.add(name);
        }
      }
    }
    throw new RejoinError(
      'damaged',
      `The update at position ${position} was compacted away, and no snapshot that covers it can be read`,
    );
  }

  /** The one that is kept there comes first, then the newest. */
  private async candidates(position: number, kept: KeptSnapshot | null): Promise<Snapshot[]> {
    const { context, log } = this.state;
    const found: Snapshot[] = [];
    for await (const snapshot of findSnapshots(context.store, log.keys, (detail) => this.tell(detail))) {
      if (snapshot.position < position) break;
      if (this.isOf(snapshot, kept)) found.unshift(snapshot);
      else found.push(snapshot);
    }
    return found;
  }

  private async *piecesOf(snapshot: Snapshot, kept: KeptSnapshot | null): AsyncGenerator<SnapshotPiece> {
    const { context, log } = this.state;
    const of = { covers: new Map(snapshot.vector), name: this.nameOf(snapshot) };
    const isResumed = this.isOf(snapshot, kept);
    let left = isResumed && kept ? kept.pieces : 0;
    let isBegun = false;
    for await (const piece of readSnapshot(context.store, log.keys, snapshot)) {
      if (left-- > 0) continue;
      yield { piece, isFirst: !isBegun && !isResumed, ...of };
      isBegun = true;
    }
    if (!isBegun) yield { piece: new Uint8Array(), isFirst: !isResumed, ...of };
  }

  private isOf(snapshot: Snapshot, kept: KeptSnapshot | null): boolean {
    return kept !== null && Buffer.compare(this.nameOf(snapshot), kept.name) === 0;
  }

  private nameOf(snapshot: Snapshot): Uint8Array {
    return nameOfSnapshot(this.state.context.life.serverId, snapshot);
  }

  private tell(detail: string): void {
    this.state.observe('damage', detail);
  }
}

function none(): Promise<void> {
  return Promise.resolve();
}
