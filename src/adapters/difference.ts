// What a reader lacks of a project's document, in updates of bounded size, each of them durable: the project has other
// work between two, and what the reader doesn't take isn't made.

import type * as Y from 'yjs';
import { documentPieces, type Clocks } from '../core/document-pieces.ts';
import type { Project } from '../core/project.ts';

/**
 * Updates to be applied in their order.
 * @param known what the reader has of the document; it is asked once, in the project's turn.
 * @throws RejoinError `outcome-unknown`, `unavailable`, `deleted`, `damaged`.
 */
export async function* difference(
  project: Project,
  known: (doc: Y.Doc) => Clocks,
): AsyncGenerator<Uint8Array, void> {
  let begun: { doc: Y.Doc; since: Clocks; pieces: Iterator<Uint8Array, void> } | null = null;
  for (;;) {
    const piece = await project.encode((doc) => {
      // The document may have been read again meanwhile: the one that was begun may hold what is stored nowhere.
      if (begun?.doc !== doc) {
        const since = begun?.since ?? known(doc);
        begun = { doc, since, pieces: documentPieces(doc, since) };
      }
      return begun.pieces.next();
    });
    if (piece.done === true) return;
    yield piece.value;
  }
}
