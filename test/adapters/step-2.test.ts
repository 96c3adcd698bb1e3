// YJS-11: clients that come back at once and ask the same share one answer.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Step2 } from '../../src/adapters/step-2.ts';
import { step2 as frameOf } from '../support/yjs-client.ts';

const test = suite('step 2');

test('YJS-11 the same question has the same bytes for an answer, until the document changes', () => {
  const doc = new Y.Doc();
  const answers = new Step2();
  doc.getText('t').insert(0, 'one');
  const nothing = Y.encodeStateVector(new Y.Doc());
  const first = answers.frame(doc, nothing);
  assert.ok(answers.frame(doc, nothing.slice()) === first, 'shared');
  assert.equal([...first], [...frameOf(Y.encodeStateAsUpdate(doc))]);

  doc.getText('t').delete(0, 1); // the state vector stays
  const second = answers.frame(doc, nothing);
  assert.equal([...second], [...frameOf(Y.encodeStateAsUpdate(doc))]);
  const all = Y.encodeStateVector(doc);
  assert.equal([...answers.frame(doc, all)], [...frameOf(Y.encodeStateAsUpdate(doc, all))]);
  for (let i = 0; i < 3; i++) doc.getText('t').insert(0, 'more');
  assert.equal([...answers.frame(doc, nothing)], [...frameOf(Y.encodeStateAsUpdate(doc))]);
});

test('YJS-11 another document has another answer', () => {
  const answers = new Step2();
  const [one, other] = [new Y.Doc(), new Y.Doc()];
  one.getText('t').insert(0, 'one');
  const nothing = Y.encodeStateVector(new Y.Doc());
  assert.is.not(answers.frame(one, nothing).length, answers.frame(other, nothing).length);
});

test.run();
