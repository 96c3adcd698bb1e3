// The Yjs items that samples are: what their derived `_id`s and the counts of their changes go by. UdtSamples asks.

import * as Y from 'yjs';
import { samplesKey } from './roots.ts';
import { derivedId, type ItemId } from './sample-ids.ts';

/** The item of an element; undefined for a plain value. */
export function itemOf(element: unknown): ItemId | undefined {
  if (!(element instanceof Y.AbstractType)) return undefined;
  const { _item: item } = element as Y.AbstractType<unknown>;
  return item?.id;
}

/** Whether an element is still in its array. */
export function isInArray(element: unknown): boolean {
  return element instanceof Y.AbstractType && (element as Y.AbstractType<unknown>)._item?.deleted === false;
}

/** The shared type that an item holds, unless it is gone. */
export function typeOfItem({ store }: Y.Doc, { client, clock }: ItemId): unknown {
  if (clock >= Y.getState(store, client)) return undefined;
  const item: unknown = Y.getItem(store, Y.createID(client, clock));
  if (!(item instanceof Y.Item) || item.deleted || item.id.clock !== clock) return undefined;
  return item.content instanceof Y.ContentType ? item.content.type : undefined;
}

/** The derived ids of all elements; those of a plain array are told apart by their index. */
export function derivedIdsIn(root: Y.Map<unknown>): string[] {
  const ids: string[] = [];
  const array = root.get(samplesKey);
  const holder = root._map.get(samplesKey);
  if (Array.isArray(array) && holder) return array.map((_, index) => derivedId(holder.id, index));
  if (!(array instanceof Y.Array)) return ids;
  for (let item = array._start; item; item = item.right) {
    if (item.deleted || !item.countable) continue;
    const { client, clock } = item.id;
    for (let offset = 0; offset < item.length; offset++)
      ids.push(derivedId({ client, clock: clock + offset }));
  }
  return ids;
}
