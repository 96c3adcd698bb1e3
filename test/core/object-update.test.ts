// An update that is written without a document is the one that Yjs itself would have made.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { encodeObjectUpdate } from '../../src/core/object-update.ts';
import { objectRoots, rootNameOf, udtRoot } from '../../src/core/roots.ts';
import { checkUpdate } from '../../src/core/update-check.ts';
import type { ProjectObject } from '../../src/model/objects.ts';

const update = suite('object-update');

const objects: readonly ProjectObject[] = [
  { kind: 'entry', versionUuid: 'e1', value: { content: 'Größe 𝄞', reason: null, archivetime: null } },
  { kind: 'thread', versionUuid: 't1', value: { name: '', links: [{ a: 1.5, b: [true, -7, 2 ** 40] }] } },
  { kind: 'comment', versionUuid: 'c1', value: { body: 'x'.repeat(70_000) } },
  { kind: 'entry', versionUuid: 'e2', value: {} },
];

update('the roots have the names of the public contract', () => {
  assert.equal([udtRoot, ...objectRoots], ['udt', 'entries', 'threads', 'comments']);
  assert.equal((['entry', 'thread', 'comment'] as const).map(rootNameOf), objectRoots);
});

update('applied to a document, it sets the keys', () => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, encodeObjectUpdate(42, 0, objects));
  for (const { kind, versionUuid, value } of objects)
    assert.equal(doc.getMap(rootNameOf(kind)).get(versionUuid), value);
  assert.is(doc.getMap('entries').size, 2);
  assert.is(Y.getState(doc.store, 42), objects.length);
});

update('it is what Yjs encodes, byte for byte', () => {
  const doc = new Y.Doc();
  doc.clientID = 2 ** 32 - 1;
  const updates = updatesOf(doc);
  set(doc, objects);
  const encoded = encodeObjectUpdate(doc.clientID, 0, objects);
  assert.equal(encoded, updates[0]);
  assert.equal(encoded, Y.encodeStateAsUpdate(doc));
  const applied = new Y.Doc();
  Y.applyUpdate(applied, encoded);
  assert.equal(Y.encodeStateAsUpdate(applied), encoded);
});

update('it continues where the last one ended', () => {
  const doc = new Y.Doc();
  doc.clientID = 7;
  const updates = updatesOf(doc);
  set(doc, objects.slice(0, 1));
  set(doc, objects.slice(1));
  assert.equal(encodeObjectUpdate(7, 0, objects.slice(0, 1)), updates[0]);
  assert.equal(encodeObjectUpdate(7, 1, objects.slice(1)), updates[1]);
});

update('YJS-8 it fits a document that has all before it, and no other', () => {
  const doc = new Y.Doc();
  const [first, second] = [encodeObjectUpdate(7, 0, objects), encodeObjectUpdate(7, 4, objects)];
  assert.is(checkUpdate(doc, second).type, 'missing');
  assert.equal(checkUpdate(doc, first), { type: 'fits', newClients: new Set([7]) });
  Y.applyUpdate(doc, first);
  assert.is(checkUpdate(doc, second).type, 'fits');
});

update('without objects it is the empty update', () => {
  assert.equal(encodeObjectUpdate(7, 3, []), Y.encodeStateAsUpdate(new Y.Doc()));
});

function set(doc: Y.Doc, some: readonly ProjectObject[]): void {
  doc.transact(() => {
    for (const { kind, versionUuid, value } of some) doc.getMap(rootNameOf(kind)).set(versionUuid, value);
  });
}

function updatesOf(doc: Y.Doc): Uint8Array[] {
  const updates: Uint8Array[] = [];
  doc.on('update', (made: Uint8Array) => updates.push(made));
  return updates;
}

update.run();
