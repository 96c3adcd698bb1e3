import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { addsNothing } from '../../src/core/known-update.ts';

const test = suite('known updates');

test('an update adds nothing when the document has its structs and its deletions', () => {
  const theirs = new Y.Doc();
  const map = theirs.getMap('m');
  const states: Uint8Array[] = [];
  const mark = (): void => void states.push(Y.encodeStateAsUpdate(theirs));
  mark();
  map.set('a', 1);
  theirs.getText('t').insert(0, 'some text');
  mark();
  theirs.getText('t').delete(2, 3);
  mark();
  map.set('a', 2);
  map.delete('b');
  mark();
  map.delete('a');
  mark();
  states.forEach((ours, at) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, ours);
    states.forEach((update, of) => {
      assert.is(addsNothing(doc, update), of <= at, `state ${of} to one that has ${at}`);
    });
  });
});

test('a deletion alone is something new, until it is there', () => {
  const doc = new Y.Doc();
  doc.getArray('a').insert(0, ['x', 'y', 'z']);
  const other = new Y.Doc();
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  other.getArray('a').delete(1);
  const deletion = Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc));
  assert.not.ok(addsNothing(doc, deletion));
  Y.applyUpdate(doc, deletion);
  assert.ok(addsNothing(doc, deletion));
});

test.run();
