// Version vectors: reading pairs from outside and printing them sorted.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { parseVersionVector, printVersionVector } from '../../src/model/version-vector.ts';

const test = suite('version vector');

test('WS-4 a list of pairs is read', () => {
  assert.equal(
    parseVersionVector([[5, 1], [3, 0], [2 ** 53 - 1, 2 ** 53 - 1]], 'since', 10), // prettier-ignore
    new Map([[5, 1], [3, 0], [2 ** 53 - 1, 2 ** 53 - 1]]), // prettier-ignore
  );
  assert.is(parseVersionVector([], 'since', 0).size, 0);
});

test('WS-4 of a server named twice the highest seqno counts', () => {
  const vector = parseVersionVector([[1, 5], [1, 9], [1, 7], [2, 0], [2, 0]], 'since', 10); // prettier-ignore
  assert.equal([...vector], [[1, 9], [2, 0]]); // prettier-ignore
});

test('WS-4 what is no list is refused', () => {
  for (const value of [null, undefined, {}, 'x', 7, { length: 0 }])
    assert.throws(() => parseVersionVector(value, 'since', 10), /^since must be a list of pairs/);
});

test('WS-4 a bad pair is named', () => {
  const bad = [
    null,
    1,
    '11',
    {},
    [],
    [1],
    [1, 2, 3],
    ['1', 2],
    [1, '2'],
    [-1, 2],
    [1, -2],
    [1.5, 2],
    [1, 2.5],
    [2 ** 53, 1],
    [1, 2 ** 53],
    [1, null],
    [NaN, 1],
    [1, Infinity],
    { 0: 1, 1: 2, length: 2 },
  ];
  for (const pair of bad)
    assert.throws(
      () => parseVersionVector([[1, 1], pair], 'objects[2].archivetime', 10),
      (error: unknown) =>
        error instanceof RejoinError &&
        error.code === 'bad-request' &&
        error.message.startsWith('objects[2].archivetime[1] must be a pair [server id, seqno]'),
      JSON.stringify(pair),
    );
});

test('WS-20 a huge list is refused before it is read', () => {
  const huge = Array.from({ length: 1_000_000 }, () => 'not even a pair');
  assert.throws(
    () => parseVersionVector(huge, 'since', 10_000),
    (error: unknown) =>
      error instanceof RejoinError &&
      error.code === 'too-large' &&
      error.message === 'since has 1000000 pairs; at most 10000 are allowed',
  );
  assert.is(parseVersionVector([[1, 1], [2, 2]], 'since', 2).size, 2); // prettier-ignore
});

test('a vector is printed sorted by server id as a number', () => {
  const vector = new Map([[10, 1], [9, 2], [2 ** 48, 3], [0, 4]]); // prettier-ignore
  assert.equal(printVersionVector(vector), [[0, 4], [9, 2], [10, 1], [2 ** 48, 3]]); // prettier-ignore
  assert.equal([...vector.keys()], [10, 9, 2 ** 48, 0], 'the vector itself is left alone');
  assert.equal(printVersionVector(new Map()), []);
});

test.run();
