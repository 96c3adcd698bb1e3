// JSON that is printed in pieces: the same text as JSON.stringify, whatever it is and wherever it is cut.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isShortJson, jsonPieces } from '../../src/model/json-pieces.ts';
import type { Json } from '../../src/model/json.ts';
import { oddVocabulary, randomJson } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('json pieces');

function sameAsWhole(value: Json, piecesOf: readonly number[]): void {
  const whole = JSON.stringify(value);
  for (const pieceUnits of piecesOf) {
    const pieces = [...jsonPieces(value, pieceUnits)];
    assert.is(pieces.join(''), whole);
    assert.is(
      Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString(),
      whole,
      'characters are whole',
    );
    for (const piece of pieces.slice(0, -1)) assert.ok(piece.length >= pieceUnits, 'none is tiny');
  }
}

test('what is odd is printed in pieces as it is at once', () => {
  const odd: Json[] = [
    null,
    true,
    0,
    -0,
    1e21,
    '',
    'a',
    [],
    {},
    [[]],
    [{}],
    { '': {} },
    [null, [], {}, '', 0],
  ];
  odd.push('😀😀\ud800\udc00', 'a😀', '\ud83d', '\ude00\ud83d', '"\\\n\u0000\u2028', [
    '😀',
    { '😀': '😀😀😀' },
  ]);
  odd.push({ 2: 'b', 1: 'a', b: [1, 2, [3, 4, [5]]], a: { toJSON: 'x', length: 1 } }, [1, [2, [3]], 4, 5]);
  odd.push(JSON.parse('{"__proto__":{"a":[1,2,3]},"constructor":[1,2]}') as Json);
  for (const value of odd) sameAsWhole(value, [1, 2, 3, 5, 10, 100]);
});

test('random JSON is printed in pieces as it is at once', () => {
  const random = seededPrng('random JSON printed in pieces');
  for (let i = 0; i < 3_000; i++) {
    const value = randomJson(random, oddVocabulary, 6);
    sameAsWhole(value, [1, prng.int32(random, 2, 10), prng.int32(random, 11, 60)]);
  }
});

test('long arrays, objects and strings are cut, at any depth', () => {
  const items: Json[] = Array.from({ length: 20_000 }, (_, i) => ({ document: `é ${i}`, tags: [i, null] }));
  const members = Object.fromEntries(items.map((item, i) => [`key ${i}`, item]));
  const text = '"😀\\'.repeat(50_000);
  let deep: Json = items;
  for (let i = 0; i < 2_000; i++) deep = i % 2 === 0 ? { a: 1, deep, z: 2 } : [1, deep, 2];
  for (const value of [items, members, text, { a: [{ b: [items, members, text] }] }, deep]) {
    const pieces = [...jsonPieces(value)];
    assert.is(pieces.join(''), JSON.stringify(value));
    for (const { length } of pieces) assert.ok(length < 512 * 1024, String(length));
  }
});

test('a value is looked through only until it is long', () => {
  let reads = 0;
  const sample = Object.defineProperty({}, 'document', {
    get: () => (reads++, 'x'),
    enumerable: true,
  }) as Json;
  const long = Array.from({ length: 10_000 }, () => sample);
  assert.not(isShortJson(long, 1_000));
  assert.ok(reads < 100, String(reads));
  assert.ok(isShortJson([[], 'a', { b: null }], 100));
});

test.run();
