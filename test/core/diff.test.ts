// The difference of two values is the smallest row of edits that the rules ask for.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diff } from '../../src/core/diff.ts';
import { applyEdits } from '../../src/core/edits.ts';
import { jsonEquals } from '../../src/core/json-equals.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { changedObject, frozen, oddVocabulary, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const difference = suite('diff');

const samples = (count: number): JsonObject[] =>
  Array.from({ length: count }, (_, i) => ({ text: `sample ${i}` }));

difference('UDT-12 equal values are no change, whatever the order of keys', () => {
  assert.equal(diff({ a: [1, { b: 2, c: 3 }] }, { a: [1, { c: 3, b: 2 }] }, []), []);
  assert.equal(diff([], [], ['a']), []);
  assert.equal(diff('x', 'x', ['a']), []);
});

difference('UDT-12 objects are compared member by member', () => {
  assert.equal(diff({ a: 1, b: { c: 1, d: 2 }, gone: 0 }, { a: 1, b: { c: 3, d: 2 }, more: [] }, []), [
    { type: 'unset', path: [], key: 'gone' },
    { type: 'set', path: ['b'], key: 'c', value: 3 },
    { type: 'set', path: [], key: 'more', value: [] },
  ]);
});

difference('UDT-12 a middle of equal length is compared element by element', () => {
  const before = [{ t: 1 }, { t: 2, a: 'x' }, 3, [4], { t: 5 }];
  const after = [{ t: 1 }, { t: 2, a: 'y' }, 30, { now: 'an object' }, { t: 5 }];
  assert.equal(diff(before, after, ['samples']), [
    { type: 'set', path: ['samples', 1], key: 'a', value: 'y' },
    { type: 'splice', path: ['samples'], index: 2, remove: 1, insert: [30] },
    { type: 'splice', path: ['samples'], index: 3, remove: 1, insert: [{ now: 'an object' }] },
  ]);
});

difference('UDT-12 equal head and tail are trimmed, the middle is spliced', () => {
  assert.equal(diff([1, 2, 3], [1, 8, 9, 7, 3], ['l']), [
    { type: 'splice', path: ['l'], index: 1, remove: 1, insert: [8, 9, 7] },
  ]);
  assert.equal(diff([1, 1], [1, 1, 1], ['l']), [
    { type: 'splice', path: ['l'], index: 2, remove: 0, insert: [1] },
  ]);
  assert.equal(diff([1, 2], [], ['l']), [{ type: 'splice', path: ['l'], index: 0, remove: 2, insert: [] }]);
});

difference('UDT-12 removals far apart are exact splices, also of parsed copies', () => {
  const before = samples(1000);
  const after = before.filter((_, i) => ![3, 500, 990].includes(i));
  for (const now of [after, structuredClone(after)]) {
    assert.equal(diff(before, now, ['samples']), [
      { type: 'splice', path: ['samples'], index: 3, remove: 1, insert: [] },
      { type: 'splice', path: ['samples'], index: 499, remove: 1, insert: [] },
      { type: 'splice', path: ['samples'], index: 988, remove: 1, insert: [] },
    ]);
  }
});

difference('UDT-12 a changed field beside an insertion stays a change of that field', () => {
  const before = samples(100);
  const after: Json[] = structuredClone(before);
  after[10] = { text: 'sample 10', annotation: 'a' };
  after.splice(50, 0, { text: 'new' });
  assert.equal(diff(before, after, ['samples']), [
    { type: 'set', path: ['samples', 10], key: 'annotation', value: 'a' },
    { type: 'splice', path: ['samples'], index: 50, remove: 0, insert: [{ text: 'new' }] },
  ]);
});

difference('a moved sample is a removal and an insertion', () => {
  const before = samples(6);
  const moved = before.toSpliced(1, 1).toSpliced(4, 0, before[1]!);
  assert.equal(diff(before, moved, ['samples']), [
    { type: 'splice', path: ['samples'], index: 1, remove: 1, insert: [] },
    { type: 'splice', path: ['samples'], index: 4, remove: 0, insert: [before[1]!] },
  ]);
});

difference('what is not of one sort is set or spliced at its path', () => {
  assert.equal(diff([1], { a: 1 }, ['x', 'y']), [{ type: 'set', path: ['x'], key: 'y', value: { a: 1 } }]);
  assert.equal(diff(1, 2, ['x', 4]), [{ type: 'splice', path: ['x'], index: 4, remove: 1, insert: [2] }]);
  assert.throws(() => diff({}, [], []), /root/);
});

difference('what both sides share is compared by identity, not read', () => {
  let reads = 0;
  const counting = (object: JsonObject): JsonObject =>
    new Proxy(object, { ownKeys: (target) => (reads++, Object.keys(target)) });
  const before: Json[] = samples(100_000).map(counting);
  const after = before.with(50_000, 'changed').toSpliced(99_000, 1);
  assert.equal(diff({ samples: before, other: 1 }, { samples: after }, []), [
    { type: 'unset', path: [], key: 'other' },
    { type: 'splice', path: ['samples'], index: 50_000, remove: 1, insert: ['changed'] },
    { type: 'splice', path: ['samples'], index: 99_000, remove: 1, insert: [] },
  ]);
  assert.ok(reads < 10, `${reads} samples were read`);
});

difference('two long arrays with nothing unique in common are one splice, in bounded time', () => {
  const before = Array.from({ length: 50_000 }, (_, i) => i % 7);
  const after = Array.from({ length: 60_000 }, (_, i) => (i * i) % 5);
  const edits = diff({ l: before }, { l: after }, []);
  assert.ok(edits.length <= 2);
  assert.equal(applyEdits({ l: before }, edits), { l: after });
});

difference('UDT-12 the edits turn the one into the other', () => {
  const random = seededPrng('diff');
  for (let round = 0; round < 3000; round++) {
    const before = frozen(randomObject(random, oddVocabulary, 4));
    const after = frozen(
      prng.int32(random, 0, 9) === 0
        ? randomObject(random, oddVocabulary, 4)
        : changedObject(random, oddVocabulary, before),
    );
    const edits = diff(before, after, []);
    assert.equal(applyEdits(before, edits), after, `round ${round}`);
    assert.is(
      edits.length === 0,
      jsonEquals(before, after),
      `round ${round}: equal values and no edit go together`,
    );
  }
});

difference.run();
