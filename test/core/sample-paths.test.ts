// UDT-14: the paths of a v2 client's patch, by `_id` or index, become paths by index; each operation sees those before it.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveSamples } from '../../src/core/sample-paths.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('UDT-14 sample-paths');

/** Samples that are known by these ids. */
function resolve(ids: readonly string[], operations: readonly Operation[], view?: JsonObject): Operation[] {
  const samples = { length: ids.length, indexOf: (id: string) => ids.indexOf(id) };
  return resolveSamples(operations, samples, view ?? { samples: ids.map((_, n) => ({ n })) });
}

const remove = (path: string): Operation => ({ op: 'remove', path });
const add = (path: string, value: Json = 1): Operation => ({ op: 'add', path, value });
const replace = (path: string, value: Json = 1): Operation => ({ op: 'replace', path, value });

function refusal(operations: readonly Operation[]): string {
  try {
    resolve(['a', 'b'], operations);
  } catch (error) {
    if (error instanceof RejoinError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

test('an id is where its sample is, digits are an index, other keys stay', () => {
  assert.equal(
    resolve(
      ['a', 'b'],
      [
        replace('/samples/b/x'),
        replace('/samples/0/x'),
        add('/interface/b'),
        remove('/b'),
        add('/samples/b/c/a'),
      ],
    ),
    [
      replace('/samples/1/x'),
      replace('/samples/0/x'),
      add('/interface/b'),
      remove('/b'),
      add('/samples/1/c/a'),
    ],
  );
  const test = { op: 'test', path: '/samples/b', value: {} } as const;
  assert.equal(resolve(['a', 'b'], [test]), [{ ...test, path: '/samples/1' }]);
});

test('UDT-14 "Clear labels": every sample by its id, while indices move', () => {
  assert.equal(resolve(['a', 'b', 'c'], [remove('/samples/a'), remove('/samples/b'), remove('/samples/c')]), [
    remove('/samples/0'),
    remove('/samples/0'),
    remove('/samples/0'),
  ]);
  assert.equal(
    resolve(['a', 'b', 'c'], [remove('/samples/c'), remove('/samples/a'), replace('/samples/b/x')]),
    [remove('/samples/2'), remove('/samples/0'), replace('/samples/0/x')],
  );
});

test('to add at an id, or beyond the end, appends', () => {
  for (const part of ['new', '-', '2', '99', 'a'])
    assert.equal(resolve(['a', 'b'], [add(`/samples/${part}`)]), [add('/samples/-')], part);
  assert.equal(resolve(['a', 'b'], [add('/samples/1'), replace('/samples/b/x'), replace('/samples/a/x')]), [
    add('/samples/1'),
    replace('/samples/2/x'),
    replace('/samples/0/x'),
  ]);
  assert.equal(resolve(['a'], [add('/samples/-'), replace('/samples/1/x')]), [
    add('/samples/-'),
    replace('/samples/1/x'),
  ]);
});

test('move and copy take samples along', () => {
  assert.equal(
    resolve(
      ['a', 'b', 'c'],
      [
        { op: 'move', from: '/samples/a', path: '/samples/-' },
        replace('/samples/a/x'.replace('/a/', '/b/')),
        { op: 'copy', from: '/samples/c', path: '/samples/0' },
        replace('/samples/b/y'),
      ],
    ),
    [
      { op: 'move', from: '/samples/0', path: '/samples/-' },
      replace('/samples/0/x'),
      { op: 'copy', from: '/samples/1', path: '/samples/0' },
      replace('/samples/1/y'),
    ],
  );
  assert.equal(resolve(['a', 'b'], [{ op: 'copy', from: '/samples/b/x', path: '/samples/a/x' }]), [
    { op: 'copy', from: '/samples/1/x', path: '/samples/0/x' },
  ]);
});

test('another list: its samples have no ids yet', () => {
  assert.equal(resolve(['a'], [replace('/samples', [1, 2]), remove('/samples/1'), add('/samples/5')]), [
    replace('/samples', [1, 2]),
    remove('/samples/1'),
    add('/samples/-'),
  ]);
  assert.match(refusal([replace('/samples', []), remove('/samples/a')]), /^conflict: Operation 1 /);
  assert.match(refusal([remove('/samples'), remove('/samples/a')]), /^conflict/);
});

test('what no sample has is refused by name, and so is the summary', () => {
  assert.is(
    refusal([replace('/interface'), remove('/samples/c')]),
    'conflict: Operation 1 (remove /samples/c): there is no sample with the _id "c"',
  );
  assert.match(refusal([remove('/samples/a'), replace('/samples/a/x')]), /^conflict: Operation 1/);
  assert.match(refusal([replace('/samples/x/y')]), /^conflict/);
  for (const path of ['/summary', '/summary/samples/0/version'])
    assert.match(refusal([replace(path)]), /^bad-request: Operation 0 .*made by the server/);
  assert.match(refusal([remove('no pointer')]), /^bad-request/);
});

test('UDT-15 a derived id is not put into the file; one of the file stays', () => {
  const view = { samples: [{ _id: 'own', n: 0 }, { n: 1 }, { _id: 's1-1 ', n: 2 }] };
  const ids = ['own', 's7-1', 's7-2'];
  const value = { _id: 's7-1', n: 5 };
  assert.equal(resolve(ids, [replace('/samples/s7-1', value)], view), [replace('/samples/1', { n: 5 })]);
  assert.equal(resolve(ids, [replace('/samples/0', value)], view), [
    replace('/samples/0', { _id: 'own', n: 5 }),
  ]);
  assert.equal(resolve(ids, [add('/samples/-', value)], view), [add('/samples/-', { n: 5 })]);
  assert.equal(resolve(ids, [replace('/samples', [value, 1])], view), [replace('/samples', [{ n: 5 }, 1])]);
  assert.equal(resolve(ids, [replace('/samples/1/_id', 's7-1'), replace('/samples/1/_id', 'mine')], view), [
    replace('/samples/1/_id', 'mine'),
  ]);
  assert.equal(resolve(ids, [replace('', { samples: [value], summary: {}, name: 'n' })], view), [
    replace('', { samples: [{ n: 5 }], name: 'n' }),
  ]);
  // The sample that stands there by then is meant, not the one that stood there before.
  assert.equal(resolve(ids, [remove('/samples/0'), replace('/samples/0', value)], view), [
    remove('/samples/0'),
    replace('/samples/0', { n: 5 }),
  ]);
});

test('patches at random do what they say to a list that is looked through by id', () => {
  const random = seededPrng('sample-paths');
  for (let round = 0; round < 300; round++) {
    const ids = Array.from({ length: prng.int32(random, 0, 8) }, (_, i) => `id${i}`);
    const view = { samples: ids.map((id) => ({ id })) };
    const expected: { id: string; x?: number }[] = ids.map((id) => ({ id }));
    const operations: Operation[] = [];
    for (let step = 0; step < prng.int32(random, 1, 10); step++) {
      const at = prng.int32(random, 0, expected.length);
      const sample = expected[at];
      const part = sample && ids.includes(sample.id) && prng.bool(random) ? sample.id : String(at);
      const choice = prng.int32(random, 0, 2);
      if (!sample || choice === 0) {
        const fresh = { id: `new${step}` };
        operations.push(add(`/samples/${String(at)}`, { ...fresh }));
        expected.splice(at, 0, fresh);
      } else if (choice === 1) {
        operations.push(remove(`/samples/${part}`));
        expected.splice(at, 1);
      } else {
        operations.push(add(`/samples/${part}/x`, step));
        sample.x = step;
      }
    }
    const resolved = resolve(ids, operations, view);
    const { newDocument } = jsonPatch.applyPatch<Json>(
      structuredClone(view),
      structuredClone(resolved),
      true,
    );
    assert.equal(newDocument, { samples: expected }, JSON.stringify(operations));
  }
});

test.run();
