// Gives the pieces of a project's snapshot to another server that lacks what was compacted away (REP-7). ReplicaReader asks for
// them.

import { RejoinError, messageOf } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { findSnapshots, readSnapshot, type Snapshot } from '../store/snapshots.ts';
import type { ProjectState } from './project-state.ts';

export interface SnapshotPiece {
  readonly piece: Uint8Array;
  /** What came before is of no use. */
  readonly isFirst: boolean;
  /** What the snapshot has. */
  readonly covers: VersionVector;
}

export class SnapshotSource {
  constructor(private readonly state: ProjectState) {}

  /**
   * The newest snapshot that can be read. If one turns out to be damaged, another one follows from its beginning. If there is none,
   * one may be on its way in the project's turn (see take-arrival.ts); at last the document makes one while it can.
   * @param position it covers.
   * @throws RejoinError `damaged` if there is none; `unavailable`.
   */
  async *pieces(position: number): AsyncGenerator<SnapshotPiece> {
    const { context, log, keeper, queue } = this.state;
    const tell = (detail: string): void => this.state.observe('damage', detail);
    for (const prepare of [none, () => queue.run(() => this.state.open()), () => keeper.makeSnapshotNow()]) {
      await prepare();
      for await (const snapshot of findSnapshots(context.store, log.keys, tell)) {
        if (snapshot.position < position) break;
        try {
          yield* this.piecesOf(snapshot);
          return;
        } catch (error) {
          if (!(error instanceof RejoinError && error.code === 'damaged')) throw error;
          tell(messageOf(error));
        }
      }
    }
    throw new RejoinError(
      'damaged',
      `The update at position ${position} was compacted away, and no snapshot that covers it can be read`,
    );
  }

  private async *piecesOf(snapshot: Snapshot): AsyncGenerator<SnapshotPiece> {
    const { context, log } = this.state;
    const covers = new Map(snapshot.vector);
    let isFirst = true;
    for await (const piece of readSnapshot(context.store, log.keys, snapshot)) {
      yield { piece, isFirst, covers };
      isFirst = false;
    }
    if (isFirst) yield { piece: new Uint8Array(), isFirst, covers }; // of a document that is empty
  }
}

function none(): Promise<void> {
  return Promise.resolve();
}
