// UDT-8, UDT-9: the patch of a version that only refreshes screens changes nothing, is never empty, and both clients' readers of
// patches can apply it.

import jsonPatch from 'fast-json-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refreshPatch } from '../../src/core/refresh-patch.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { oddVocabulary, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const test = suite('UDT-8 refresh-patch');

function pathFor(view: JsonObject): string | undefined {
  const patch = refreshPatch(view);
  assert.is(patch.length, 1);
  assert.is(patch[0]?.op, 'replace');
  const { newDocument } = jsonPatch.applyPatch<Json>(structuredClone(view), structuredClone(patch), true);
  assert.equal(newDocument, view);
  assert.equal(applyAsV1Client(view, patch), view);
  return patch[0]?.path;
}

test('the interface is best, wherever it stands', () => {
  assert.is(pathFor({ name: 'n', samples: [1], interface: { type: 't' } }), '/interface');
  assert.is(pathFor({ interface: null }), '/interface');
});

test('else another setting, but no list', () => {
  assert.is(pathFor({ samples: [1], list: [1], name: 'n' }), '/name');
  assert.is(pathFor({ samples: [1], 'a/b': 1, 'c~d': 2, '': 3, e: 4 }), '/e');
});

test('else the first sample, and else everything', () => {
  assert.is(pathFor({ samples: [{ a: 1 }, { b: 1 }] }), '/samples/0');
  assert.is(pathFor({ samples: [null] }), '/samples/0');
  assert.is(pathFor({ samples: [] }), '');
  assert.is(pathFor({}), '');
  assert.is(pathFor({ samples: { a: 1 } }), '');
  assert.is(pathFor({ 'a/b': 1, samples: [] }), '');
});

test('what it says does not change with the view', () => {
  const view = { samples: [], 'a/b': { c: [1] } };
  const [operation] = refreshPatch(view);
  view['a/b'].c.push(2);
  assert.equal(operation, { op: 'replace', path: '', value: { samples: [], 'a/b': { c: [1] } } });
});

test('it changes nothing whatever the document is', () => {
  const random = seededPrng('refresh-patch');
  for (let i = 0; i < 500; i++) pathFor(randomObject(random, oddVocabulary, 3));
});

test.run();
