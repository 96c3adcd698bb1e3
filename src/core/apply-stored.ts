// Applies updates that were stored, to a document that is being loaded; the document's loader and nobody else calls it.

import * as Y from 'yjs';

/**
 * Applies updates in one transaction. After updates from elsewhere Yjs removes formatting that seems to do nothing; in a
 * state between two stored updates that may be formatting that a later one needs. A transaction that counts as local is
 * left as it is.
 */
export function applyStored(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact((transaction) => {
    for (const update of updates) Y.applyUpdate(doc, update);
    transaction.local = true;
  });
}
