// Checks an item of an update of which the document has only the beginning, for `checkUpdate`. Yjs puts the rest behind
// that beginning and believes what the update says of its place: if that is another one, the document breaks, at once
// or when something is deleted.

import * as Y from 'yjs';
import { RejoinError } from '../errors.ts';
import { referencesOf } from './update-decode.ts';
import type { YType } from './y-value.ts';

/**
 * An honest client never fails here: what it made as one item has one place.
 * @throws RejoinError `undecodable` when the update puts the item elsewhere than the document.
 */
export function checkOverlap(doc: Y.Doc, item: Y.Item): void {
  const { client, clock } = item.id;
  const state = Y.getState(doc.store, client);
  if (clock >= state || clock + item.length <= state) return;
  const place = placeOf(doc, item);
  if (place === 'garbage') return; // Yjs makes it garbage, whatever its beginning is
  const beginning = doc.store.clients.get(client)?.at(-1);
  // When the beginning is garbage, its container is gone, and Item.integrate throws in the middle if the update's isn't.
  if (
    place &&
    beginning instanceof Y.Item &&
    beginning.parent === place.container &&
    beginning.parentSub === place.key
  )
    return;
  const problem = `${client}:${clock} begins at another place in the document`;
  throw new RejoinError('undecodable', `The Yjs update can't be applied: ${problem}`);
}

interface Place {
  readonly container: unknown;
  readonly key: string | null;
}

/** As Item.getMissing finds it. Undefined when it isn't in the document, where the beginning is. */
function placeOf(doc: Y.Doc, item: Y.Item): Place | 'garbage' | undefined {
  const references = referencesOf(item).map((id) => structAt(doc, id));
  if (references.some((found) => found instanceof Y.GC)) return 'garbage';
  const [first] = references;
  if (first instanceof Y.Item) {
    if (item.origin || item.rightOrigin) return { container: first.parent, key: first.parentSub };
    const { content } = first;
    return content instanceof Y.ContentType ? { container: content.type, key: item.parentSub } : 'garbage';
  }
  if (references.length > 0) return undefined;
  const name: YType | Y.ID | string | null = item.parent; // in a decoded update, the parent is a root's name
  return typeof name === 'string' ? { container: doc.share.get(name), key: item.parentSub } : undefined;
}

function structAt(doc: Y.Doc, id: Y.ID): Y.Item | Y.GC | undefined {
  return id.clock < Y.getState(doc.store, id.client) ? Y.getItem(doc.store, id) : undefined;
}
