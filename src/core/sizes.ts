// How large the pieces are in which large things are made, kept and sent, so that none of them holds up the rest. The simulation
// makes them small, so that little has many pieces.

import { pieceBytesMin } from './document-pieces.ts';
import { changesMinAtClose } from './document-tail.ts';

export interface Sizes {
  /** So many values make a slice of a session that is being created. */
  readonly sliceValues: number;
  /** An array that is no longer as JSON text, in UTF-16 units, isn't cut into slices. */
  readonly uncutUnits: number;
  /** What another server lacks is read for it in pages of about so many bytes. */
  readonly pageBytes: number;
  /** A piece of a snapshot has at least so many bytes. */
  readonly pieceBytes: number;
  /** Before a document is closed so many changes since its newest snapshot make the next one worth it. */
  readonly snapshotChanges: number;
}

export const sizesDefaults: Sizes = {
  sliceValues: 4_000, // takes a few milliseconds to build and encode
  uncutUnits: 16 * 1024,
  pageBytes: 256 * 1024,
  pieceBytes: pieceBytesMin,
  snapshotChanges: changesMinAtClose,
};
