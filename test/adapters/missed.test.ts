// YJS-11: what is remembered of updates that a client was not told.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Missed } from '../../src/adapters/missed.ts';
import { ToldUpdate } from '../../src/adapters/told-update.ts';
import { updatesOf } from '../support/yjs-client.ts';

const test = suite('missed');

/** What a writer adds to a document, as an update. */
function write(doc: Y.Doc, clientId: number, kib: number): ToldUpdate {
  const writer = new Y.Doc();
  Y.applyUpdate(writer, Y.encodeStateAsUpdate(doc));
  writer.clientID = clientId; // now, or Yjs would take the writer for somebody else
  const updates = updatesOf(writer);
  writer.getArray('list').push([new Uint8Array(kib * 1024)]);
  Y.applyUpdate(doc, updates[0]!);
  return new ToldUpdate(updates[0]!);
}

test('YJS-11 a few updates are kept as they are', () => {
  const missed = new Missed();
  const doc = new Y.Doc();
  const updates = [write(doc, 1, 100), write(doc, 2, 100)];
  for (const update of updates) missed.add(update);
  assert.not.ok(missed.isMuch);
  assert.equal(missed.takeUpdates(), updates);
  assert.equal(missed.takeUpdates(), []);
});

test('YJS-11 of many updates, the first clock of each writer is remembered until it is taken', () => {
  const missed = new Missed();
  const doc = new Y.Doc();
  for (const writer of [1, 2, 3]) write(doc, writer, 1);
  for (const writer of [2, 3, 2]) missed.add(write(doc, writer, 200));
  assert.ok(missed.isMuch);
  assert.equal([...missed.takeKnown(doc)].sort(), [
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  assert.not.ok(missed.isMuch);
  missed.add(write(doc, 1, 300));
  assert.equal([...missed.takeKnown(doc)].sort(), [
    [1, 1],
    [2, 3],
    [3, 2],
  ]);
});

test('YJS-11 when too many have written, all of the document counts as missed, once', () => {
  const missed = new Missed();
  const doc = new Y.Doc();
  missed.add(write(doc, 1, 300));
  const crowd = new Map(Array.from({ length: 5_000 }, (_, client) => [client, 0]));
  missed.add(Object.assign(write(doc, 2, 1), { clocks: crowd }));
  missed.add(write(doc, 3, 1));
  assert.is(missed.takeKnown(doc).size, 0);
  missed.add(write(doc, 3, 300));
  assert.is(missed.takeKnown(doc).size, 3);
});

test.run();
