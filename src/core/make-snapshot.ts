// Writes a snapshot of an open document in the background, piece by piece: other projects' work, and this one's, goes on
// between the pieces. Its project calls it.

import { setImmediate as otherWork } from 'node:timers/promises';
import type { Environment } from '../model/environment.ts';
import { SnapshotWriter, removeSnapshots, stateDigestOf, type Snapshot } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import { documentPieces, type Clocks } from './document-pieces.ts';
import type { LiveLog } from './live-log.ts';
import type { OpenDocument } from './open-document.ts';
import type { Sizes } from './sizes.ts';

/** A snapshot that was begun: it covers the log up to the moment of `beginSnapshot`. */
export interface BegunSnapshot {
  readonly opened: OpenDocument;
  readonly position: number;
  readonly vector: readonly [number, number][];
  readonly pieces: Generator<Uint8Array, Clocks>;
  readonly first: IteratorResult<Uint8Array, Clocks>;
  /** Updates since the snapshot before, which it covers. */
  readonly changes: number;
  readonly bytes: number;
}

/** To be called in the project's turn, so that document and log say the same. */
export function beginSnapshot(log: LiveLog, opened: OpenDocument, { pieceBytes }: Sizes): BegunSnapshot {
  const pieces = documentPieces(opened.document.doc, pieceBytes);
  const { changes, bytes } = opened.tail;
  const { position, vector } = log.appended;
  return { opened, position, vector: [...vector], pieces, first: pieces.next(), changes, bytes };
}

/**
 * Writes the rest. What the document has taken meanwhile may be in it: `settle` waits until that is durable, before the
 * snapshot counts.
 * @param isWanted whether the document is still the project's. After a failure it isn't.
 * @returns the snapshot, or null if it was given up.
 */
export async function finishSnapshot(
  begun: BegunSnapshot,
  { keys }: Pick<LiveLog, 'keys'>,
  { store, environment }: { readonly store: Store; readonly environment: Environment },
  { settle, isWanted }: { readonly settle: () => Promise<void>; readonly isWanted: () => boolean },
): Promise<Snapshot | null> {
  const { opened, position, pieces, vector } = begun;
  const writer = new SnapshotWriter(store, keys, position);
  let step = begun.first;
  for (; step.done !== true; step = pieces.next()) {
    await writer.add(step.value);
    await otherWork();
    if (!isWanted()) return null;
  }
  await settle();
  if (!isWanted()) return null;
  const stateDigest = stateDigestOf(step.value);
  const snapshot = await writer.finish({ madeMs: environment.now(), vector: [...vector], stateDigest });

  const { tail } = opened;
  tail.changes -= begun.changes;
  tail.bytes -= begun.bytes;
  tail.snapshotBytes = snapshot.bytes;
  // The one before is kept as well: should this one be damaged, that one and what follows it make the document.
  const kept = [position, opened.newestSnapshot];
  opened.newestSnapshot = position;
  await removeSnapshots(store, keys, new Set(kept));
  return snapshot;
}
