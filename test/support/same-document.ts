// Whether two documents are the same: what they know, what is deleted in them, and what can be read.

import * as assert from 'uvu/assert';
import * as Y from 'yjs';

export function sameDocument(actual: Y.Doc, expected: Y.Doc): void {
  assert.is(actual.store.pendingStructs, null, 'nothing is pending');
  assert.is(actual.store.pendingDs, null, 'no deletion is pending');
  assert.equal(stateOf(actual), stateOf(expected), 'state vectors');
  assert.ok(Y.equalSnapshots(Y.snapshot(actual), Y.snapshot(expected)), 'delete sets');
  assert.equal(contentOf(actual), contentOf(expected), 'content');
}

function stateOf(doc: Y.Doc): [number, number][] {
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b);
}

/** Every item that is left, in the order of its place: type, content and key. */
function contentOf(doc: Y.Doc): unknown {
  const roots = [...doc.share.keys()].filter((name) => itemsOf(doc, name).length > 0).sort();
  return roots.map((name) => [name, itemsOf(doc, name)]);
}

function itemsOf(doc: Y.Doc, root: string): unknown[] {
  const type = doc.share.get(root);
  return type ? itemsIn(type) : [];
}

function itemsIn(type: Pick<Y.AbstractType<never>, '_start' | '_map'>): unknown[] {
  const items: unknown[] = [];
  for (let item = type._start; item; item = item.right) if (!item.deleted) items.push(...readable(item));
  const keys = [...type._map.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, item] of keys) if (!item.deleted) items.push([key, ...readable(item)]);
  return items;
}

function readable({ content }: Y.Item): unknown[] {
  if (content instanceof Y.ContentType) return [[content.type.constructor.name, itemsIn(content.type)]];
  // Where a text was once cut inside a character, Yjs has half of it or a replacement, as it happened.
  if (content instanceof Y.ContentString) return content.str.replace(/[\ud800-\udfff\ufffd]/g, '?').split('');
  if (content instanceof Y.ContentFormat) return [[content.key, content.value]];
  if (content instanceof Y.ContentDoc) return [content.doc.guid];
  return content.getContent();
}
