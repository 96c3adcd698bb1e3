// What UDT clients get is exact for RFC 6902 and for the v1 client's library.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diff } from '../../src/core/diff.ts';
import { applyEdits, type Edit } from '../../src/core/edits.ts';
import { wirePatch } from '../../src/core/wire-patch.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { changedObject, frozen, oddVocabulary, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const wire = suite('wire-patch');

function checked(before: JsonObject, after: JsonObject): Operation[] {
  const patch = wirePatch(before, applyEdits(before, diff(before, after, [])));
  assert.equal(applyExactly(before, patch), after, `RFC 6902: ${JSON.stringify(patch)}`);
  assert.equal(applyAsV1Client(before, patch), after, `v1: ${JSON.stringify(patch)}`);
  return patch;
}

function applyExactly(before: JsonObject, patch: readonly Operation[]): unknown {
  return jsonPatch.applyPatch<unknown>(structuredClone(before), structuredClone([...patch]), true)
    .newDocument;
}

wire('UDT-9 members and elements', () => {
  const before = { interface: { type: 't', old: 1 }, samples: [{ text: 'x' }, { text: 'y' }] };
  const after = {
    interface: { type: 'u' },
    samples: [{ text: 'x', annotation: 'a' }, { text: 'y' }],
    name: 'n',
  };
  assert.equal(checked(before, after), [
    { op: 'remove', path: '/interface/old' },
    { op: 'replace', path: '/interface/type', value: 'u' },
    { op: 'add', path: '/samples/0/annotation', value: 'a' },
    { op: 'add', path: '/name', value: 'n' },
  ]);
});

wire('UDT-9 removals from the middle of an array are removals of indices', () => {
  const long = Array.from({ length: 20 }, (_, i) => ({ i }));
  assert.equal(checked({ l: long }, { l: long.toSpliced(15, 2).toSpliced(3, 1) }), [
    { op: 'remove', path: '/l/3' },
    { op: 'remove', path: '/l/15' },
    { op: 'remove', path: '/l/14' },
  ]);
});

wire('UDT-9 what is inserted at the end is appended', () => {
  assert.equal(checked({ l: [1] }, { l: [1, 2, [3]] }), [
    { op: 'add', path: '/l/-', value: 2 },
    { op: 'add', path: '/l/-', value: [3] },
  ]);
});

wire('UDT-9 an insertion near the end appends and shifts', () => {
  assert.equal(checked({ l: ['a', 'b', 'c', 'd', 'e'] }, { l: ['a', 'b', 'c', 'x', 'd', 'e'] }), [
    { op: 'replace', path: '/l/3', value: 'x' },
    { op: 'replace', path: '/l/4', value: 'd' },
    { op: 'add', path: '/l/-', value: 'e' },
  ]);
});

wire('UDT-9 an insertion that shifts most of the array, or most of its removals, replaces it', () => {
  assert.equal(checked({ l: ['a', 'b', 'c'] }, { l: ['x', 'a', 'b', 'c'] }), [
    { op: 'replace', path: '/l', value: ['x', 'a', 'b', 'c'] },
  ]);
  assert.equal(checked({ l: ['a', 'b', 'c'] }, { l: [] }), [{ op: 'replace', path: '/l', value: [] }]);
});

wire('UDT-9 a key with ~ or / replaces the nearest ancestor without one', () => {
  const replaced = (value: Json): Operation[] => [{ op: 'replace', path: '/a/b', value }];
  assert.equal(checked({ a: { b: { 'x/y': 1 } } }, { a: { b: { 'x/y': 2 } } }), replaced({ 'x/y': 2 }));
  assert.equal(checked({ a: { b: {} } }, { a: { b: { '~': 2 } } }), replaced({ '~': 2 }));
  assert.equal(checked({ a: { b: { 'x/y': 1, c: 2 } } }, { a: { b: { c: 3 } } }), replaced({ c: 3 }));
  const deep = (value: Json) => ({ a: { b: { 'x/y': { c: [value] } } } });
  assert.equal(checked(deep(1), deep(2)), replaced({ 'x/y': { c: [2] } }));
  assert.equal(checked({ l: [{ '/': [1] }] }, { l: [{ '/': [1, 2] }] }), [
    { op: 'replace', path: '/l/0', value: { '/': [1, 2] } },
  ]);
});

wire('UDT-9 keys that the v1 library drops or takes for an append replace the ancestor too', () => {
  assert.equal(checked({ a: { '': { b: 1 } } }, { a: { '': { b: 2 } } }), [
    { op: 'replace', path: '/a', value: { '': { b: 2 } } },
  ]);
  assert.equal(checked({ a: { b: 1 } }, { a: { b: 1, '-': 2 } }), [
    { op: 'replace', path: '/a', value: { b: 1, '-': 2 } },
  ]);
  assert.equal(checked({ a: { '-': 1 } }, { a: { '-': 2 } }), [{ op: 'replace', path: '/a/-', value: 2 }]);
  assert.equal(checked({}, { '': 1 }), [{ op: 'replace', path: '', value: { '': 1 } }]);
  assert.equal(checked({}, { '-': 1 }), [{ op: 'replace', path: '', value: { '-': 1 } }]);
});

wire('UDT-9 removing a top-level key replaces the root, for the v1 library throws on it', () => {
  assert.equal(checked({ a: 1, b: 2 }, { b: 2 }), [{ op: 'replace', path: '', value: { b: 2 } }]);
});

wire('UDT-9 a top-level key with ~ or / is sent as RFC 6902 says, and the v1 library survives it', () => {
  const before = { 'a/b': { c: [1, 2] }, '~': 1 };
  const after = { 'a/b': { c: [1] }, '~': 2, '~/': [] };
  const patch = wirePatch(before, after);
  assert.equal(patch, [
    { op: 'replace', path: '/a~1b', value: { c: [1] } },
    { op: 'replace', path: '/~0', value: 2 },
    { op: 'add', path: '/~0~1', value: [] },
  ]);
  assert.equal(applyExactly(before, patch), after);
  applyAsV1Client(before, patch);
});

wire('several edits of one value are one operation, and none when they undo each other', () => {
  const before = { a: { n: 0 }, l: [1] };
  const edits: Edit[] = [
    { type: 'set', path: ['a'], key: 'n', value: 1 },
    { type: 'splice', path: ['l'], index: 0, remove: 0, insert: [9] },
    { type: 'set', path: ['a'], key: 'n', value: 2 },
    { type: 'splice', path: ['l'], index: 0, remove: 1, insert: [] },
  ];
  const patch = wirePatch(before, applyEdits(before, edits));
  assert.equal(patch, [{ op: 'replace', path: '/a/n', value: 2 }]);
});

wire('UDT-9 both libraries come to the same document', () => {
  const random = seededPrng('wire-patch');
  const topLevel = { ...oddVocabulary, keys: oddVocabulary.keys.filter((key) => !/[~/]/.test(key)) };
  for (let round = 0; round < 4000; round++) {
    const before: Record<string, Json> = {};
    for (const key of topLevel.keys) {
      if (prng.bool(random)) before[key] = randomObject(random, oddVocabulary, 3);
    }
    const after: Record<string, Json> = { ...before };
    for (const [key, value] of Object.entries(before)) {
      if (prng.int32(random, 0, 2) === 0)
        after[key] = changedObject(random, oddVocabulary, value as JsonObject);
    }
    checked(
      frozen(before),
      frozen(prng.int32(random, 0, 9) === 0 ? changedObject(random, topLevel, after) : after),
    );
  }
});

wire.run();
