// UDT-10: the patch that makes any older state the present one.

import jsonPatch from 'fast-json-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rebuildPatch } from '../../src/core/rebuild.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { changedObject, oddVocabulary, plainVocabulary, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const test = suite('UDT-10 rebuild');

function check(document: JsonObject, older: JsonObject): void {
  const hasLost = Object.keys(older).some((key) => !Object.hasOwn(document, key));
  const patch = rebuildPatch(document, hasLost);
  assert.ok(patch.length > 0);
  const { newDocument } = jsonPatch.applyPatch<Json>(structuredClone(older), structuredClone(patch));
  assert.equal(newDocument, document);
  assert.equal(applyAsV1Client(older, patch), document);
}

test('key by key, where no key has gone and all can be named', () => {
  assert.equal(rebuildPatch({ a: 1, samples: [{}] }, false), [
    { op: 'replace', path: '/a', value: 1 },
    { op: 'replace', path: '/samples', value: [{}] },
  ]);
});

test('all at once, where a key has gone, can’t be named, or there is none', () => {
  for (const [document, hasLost] of [
    [{ a: 1 }, true],
    [{ 'a/b': 1 }, false],
    [{ '~': 1, c: 2 }, false],
    [{ '': 1 }, false],
    [{}, false],
  ] as const)
    assert.equal(rebuildPatch(document, hasLost), [{ op: 'replace', path: '', value: document }]);
});

test('it makes any state of any other', () => {
  const random = seededPrng('rebuild');
  for (let i = 0; i < 500; i++) {
    const vocabulary = i % 2 === 0 ? oddVocabulary : plainVocabulary;
    const older = randomObject(random, vocabulary, 3);
    check(changedObject(random, vocabulary, older), older);
    check(randomObject(random, vocabulary, 3), older);
    check(older, {});
  }
});

test.run();
