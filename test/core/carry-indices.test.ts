// A patch that was made against an older state hits the same elements in the present one, or is refused.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { carryIndices, carryStepsMax } from '../../src/core/carry-indices.ts';
import type { Edit, Path } from '../../src/core/edits.ts';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { Json } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';

const carry = suite('carry-indices');

const add = (path: string, value: Json = 'own'): Operation => ({ op: 'add', path, value });
const replace = (path: string, value: Json = 'own'): Operation => ({ op: 'replace', path, value });
const remove = (path: string): Operation => ({ op: 'remove', path });
const move = (from: string, path: string): Operation => ({ op: 'move', from, path });
const copy = (from: string, path: string): Operation => ({ op: 'copy', from, path });

function splice(path: Path, index: number, removed: number, inserted: number): Edit {
  const insert = Array.from({ length: inserted }, () => 'theirs');
  return { type: 'splice', path, index, remove: removed, insert };
}
const samples = (index: number, removed: number, inserted: number): Edit =>
  splice(['samples'], index, removed, inserted);
const set = (...target: [...Path, string]): Edit => ({
  type: 'set',
  path: target.slice(0, -1),
  key: String(target.at(-1)),
  value: {},
});

/** The paths, and `from > path` where something is moved or copied. Nothing else may change. */
function carried(operations: readonly Operation[], ...edits: Edit[]): string[] {
  return carryIndices(operations, edits).map((operation, index) => {
    const before = operations[index];
    assert.equal({ ...before, ...pointersOf(operation) }, operation);
    const { path, from } = pointersOf(operation);
    return from === undefined ? path : `${from} > ${path}`;
  });
}

function pointersOf(operation: Operation): { path: string; from?: string } {
  const { path } = operation;
  return 'from' in operation ? { path, from: operation.from } : { path };
}

function refused(code: ErrorCode, message: RegExp, operations: readonly Operation[], ...edits: Edit[]): void {
  assert.throws(
    () => carryIndices(operations, edits),
    (error: unknown) => {
      assert.instance(error, RejoinError);
      assert.is((error as RejoinError).code, code);
      assert.match((error as RejoinError).message, message);
      return true;
    },
  );
}

carry('UDT-11 indices move with what was inserted and removed before them', () => {
  const label = [add('/samples/3/annotation')];
  assert.equal(carried(label), ['/samples/3/annotation']);
  assert.equal(carried(label, samples(0, 0, 2)), ['/samples/5/annotation']);
  assert.equal(carried(label, samples(3, 0, 1)), ['/samples/4/annotation']);
  assert.equal(carried(label, samples(4, 2, 0)), ['/samples/3/annotation']);
  assert.equal(carried(label, samples(1, 2, 0)), ['/samples/1/annotation']);
  assert.equal(carried(label, samples(0, 3, 1)), ['/samples/1/annotation']);
  assert.equal(carried(label, samples(0, 1, 0), samples(0, 1, 0), samples(2, 0, 7)), [
    '/samples/1/annotation',
  ]);
});

carry('UDT-11 every sort of operation is carried', () => {
  const edit = samples(1, 0, 10);
  assert.equal(carried([remove('/samples/2')], edit), ['/samples/12']);
  assert.equal(carried([replace('/samples/2')], edit), ['/samples/12']);
  assert.equal(carried([{ op: 'test', path: '/samples/2', value: 1 }], edit), ['/samples/12']);
  assert.equal(carried([move('/samples/2', '/samples/0')], edit), ['/samples/12 > /samples/0']);
  assert.equal(carried([move('/samples/0', '/samples/2')], edit), ['/samples/0 > /samples/12']);
  assert.equal(carried([copy('/samples/2', '/samples/3')], edit), ['/samples/12 > /samples/13']);
  assert.equal(carried([move('/samples/2', '/samples/2')], edit), ['/samples/12 > /samples/12']);
  assert.equal(carried([copy('/samples/2/a', '/first')], edit), ['/samples/12/a > /first']);
});

carry('UDT-11 what has no index of a changed array is the very same operation', () => {
  const operations = [add('/samples/-'), replace('/interface/labels/1'), add('/name'), replace('', {})];
  const result = carryIndices(operations, [samples(0, 3, 1), set('name'), set('samples', 0, 'annotation')]);
  result.forEach((operation, index) => assert.is(operation, operations[index]));
  assert.equal(carried([add('/samples/-')], set('samples')), ['/samples/-']);
});

carry('UDT-11 parts that only look like an index of the array', () => {
  for (const path of ['/samples/01', '/samples/x', '/samples/-1', '/samples2/3', '/other/samples/3', '/3'])
    assert.equal(carried([add(path)], samples(0, 0, 1)), [path]);
  assert.equal(carried([add('/o/3')], { type: 'set', path: ['o'], key: '1', value: 1 }), ['/o/3']);
});

carry('UDT-11 escaped parts are compared as what they mean, and escaped again', () => {
  assert.equal(carried([add('/a~1b/1/~0')], splice(['a/b'], 0, 0, 1)), ['/a~1b/2/~0']);
  assert.equal(carried([add('/~01/1')], splice(['~1'], 0, 1, 0)), ['/~01/0']);
  assert.equal(carried([add('//1/')], splice([''], 0, 1, 0)), ['//0/']);
});

carry('UDT-11 nested arrays', () => {
  const path = [replace('/samples/3/regions/2/label')];
  const edits = [samples(0, 0, 1), splice(['samples', 4, 'regions'], 0, 1, 0), samples(0, 2, 0)];
  assert.equal(carried(path, ...edits), ['/samples/2/regions/1/label']);
  assert.equal(carried(path, splice(['samples', 4, 'regions'], 0, 1, 0)), ['/samples/3/regions/2/label']);
  assert.equal(carried([add('/m/1/1')], splice(['m'], 0, 0, 1), splice(['m', 2], 0, 0, 1)), ['/m/2/2']);
});

carry('UDT-11 an element that is gone', () => {
  const sample = /^Operation 1 \(.* \/samples\/3.*\): the sample it was meant for is gone/;
  const fine = add('/name');
  const removal = samples(2, 2, 0);
  for (const operation of [remove('/samples/3'), replace('/samples/3'), add('/samples/3/annotation')])
    refused('conflict', sample, [fine, operation], removal);
  refused('conflict', /the sample/, [move('/samples/3', '/samples/0')], removal);
  refused('conflict', /the sample/, [copy('/samples/3/a', '/b')], removal);
  refused('conflict', /the sample/, [add('/samples/3/a')], samples(3, 1, 2));
  refused('conflict', /the element/, [add('/samples/3/a/0/b')], splice(['samples', 3, 'a'], 0, 1, 0));
  refused('conflict', /the element/, [add('/other/3/a')], splice(['other'], 3, 1, 0));
});

carry('UDT-11 a container that is gone, with an array in it that the path leads through', () => {
  refused('conflict', /the sample/, [add('/samples/3/annotation')], set('samples'));
  refused('conflict', /the sample/, [add('/samples/0')], { type: 'unset', path: [], key: 'samples' });
  refused('conflict', /the element/, [add('/samples/3/a/b/0')], set('samples', 3, 'a'));
  assert.equal(carried([add('/samples/3/a/b')], set('samples', 3, 'a')), ['/samples/3/a/b']);
  assert.equal(carried([add('/samples/3/a/0')], set('samples', 3, 'b')), ['/samples/3/a/0']);
  assert.equal(carried([add('/samples/3/a/0')], samples(0, 0, 1), set('samples', 3, 'a')), [
    '/samples/4/a/0',
  ]);
});

carry('UDT-11 as many inserted as removed elements replace them in place', () => {
  assert.equal(carried([replace('/labels/1')], splice(['labels'], 1, 1, 1)), ['/labels/1']);
  assert.equal(carried([replace('/labels/2'), remove('/labels/3')], splice(['labels'], 1, 2, 2)), [
    '/labels/2',
    '/labels/3',
  ]);
  refused('conflict', /the element/, [add('/samples/1/a/0')], samples(1, 1, 1));
  assert.equal(carried([replace('/samples/1', { a: [] }), add('/samples/1/a/0')], samples(1, 1, 1)), [
    '/samples/1',
    '/samples/1/a/0',
  ]);
  assert.equal(carried([remove('/m/0'), add('/m/1/0')], splice(['m'], 0, 1, 1)), ['/m/0', '/m/1/0']);
  refused('conflict', /^Operation 1/, [remove('/m/0'), add('/m/1/0')], splice(['m'], 2, 1, 1));
});

carry('UDT-11 insertions', () => {
  const insertion = [add('/samples/3')];
  assert.equal(carried(insertion, samples(3, 0, 2)), ['/samples/5'], 'others come first');
  assert.equal(carried(insertion, samples(4, 0, 2)), ['/samples/3']);
  assert.equal(carried(insertion, samples(3, 2, 0)), ['/samples/3'], 'before what is gone');
  assert.equal(carried(insertion, samples(1, 2, 0)), ['/samples/1'], 'behind what is gone');
  assert.equal(carried(insertion, samples(1, 5, 0)), ['/samples/1'], 'among what is gone');
  assert.equal(carried(insertion, samples(1, 5, 2)), ['/samples/3'], 'behind what is there instead');
  assert.equal(carried(insertion, samples(1, 4, 4)), ['/samples/3'], 'where all stand where they stood');
});

carry('UDT-11 each operation sees those before it', () => {
  const twice = [remove('/samples/0'), remove('/samples/0')];
  assert.equal(carried(twice, samples(1, 0, 1)), ['/samples/0', '/samples/1']);
  assert.equal(carried(twice, samples(0, 0, 1)), ['/samples/1', '/samples/1']);
  assert.equal(carried([add('/samples/0'), replace('/samples/2')], samples(1, 0, 5)), [
    '/samples/0',
    '/samples/7',
  ]);
  assert.equal(carried([add('/samples/0'), replace('/samples/0/a')], samples(0, 0, 5)), [
    '/samples/5',
    '/samples/5/a',
  ]);
  assert.equal(carried([add('/samples/-'), replace('/samples/4/a')], samples(4, 0, 1)), [
    '/samples/-',
    '/samples/5/a',
  ]);
  const among = [add('/samples/2'), replace('/samples/2/a'), replace('/samples/5/a')];
  assert.equal(carried(among, samples(1, 3, 1)), ['/samples/2', '/samples/2/a', '/samples/3/a']);
  refused('conflict', /^Operation 2/, [...among.slice(0, 2), replace('/samples/3/a')], samples(1, 3, 1));
  refused('conflict', /^Operation 2/, [...among.slice(0, 2), replace('/samples/1/a')], samples(1, 3, 1));
});

carry('UDT-11 what the patch has replaced or removed itself is as it says', () => {
  const edits = [samples(0, 5, 0), set('samples')];
  assert.equal(carried([replace('/samples', [1, 2]), replace('/samples/1')], ...edits), [
    '/samples',
    '/samples/1',
  ]);
  assert.equal(carried([replace('', {}), add('/samples', []), add('/samples/0')], ...edits), [
    '',
    '/samples',
    '/samples/0',
  ]);
  assert.equal(
    carried([remove('/samples'), add('/samples', [1]), remove('/samples/0')], samples(0, 0, 1)).at(-1),
    '/samples/0',
  );
  const inside = [splice(['samples', 2, 'tags'], 0, 1, 0)];
  assert.equal(
    carried([replace('/samples/2', {}), add('/samples/2/tags/0/x')], ...inside).at(-1),
    '/samples/2/tags/0/x',
  );
  refused('conflict', /^Operation 1/, [replace('/samples/1', {}), add('/samples/2/tags/0/x')], ...inside);
  assert.equal(
    carried([remove('/samples/2'), add('/samples/2/tags/0/x')], ...inside).at(-1),
    '/samples/2/tags/0/x',
  );
  refused('conflict', /^Operation 1/, [remove('/samples/1'), add('/samples/1/tags/0/x')], ...inside);
});

carry('UDT-11 changes go along with what the patch moves and copies', () => {
  const inside = splice(['samples', 2, 'tags'], 0, 0, 3);
  const at = (tag: string): Operation => replace(`${tag}/tags/1`);
  assert.equal(
    carried([move('/samples/2', '/samples/0'), at('/samples/0')], inside).at(-1),
    '/samples/0/tags/4',
  );
  assert.equal(carried([move('/samples/2/tags', '/x'), replace('/x/1')], inside).at(-1), '/x/4');
  assert.equal(
    carried([move('/samples/0', '/samples/2'), at('/samples/1')], inside).at(-1),
    '/samples/1/tags/4',
  );
  assert.equal(
    carried([move('/samples/0', '/samples/2'), at('/samples/2')], inside).at(-1),
    '/samples/2/tags/1',
  );
  const twins = [copy('/samples/2', '/samples/0'), at('/samples/0'), at('/samples/3'), at('/samples/2')];
  assert.equal(carried(twins, inside).slice(1), [
    '/samples/0/tags/4',
    '/samples/3/tags/4',
    '/samples/2/tags/1',
  ]);
  assert.equal(carried([move('/a/b', '/a'), replace('/a/1')], splice(['a', 'b'], 0, 0, 1)).at(-1), '/a/2');
  assert.equal(carried([copy('/a', '/a/1'), replace('/a/1/0')], splice(['a'], 0, 0, 1)), [
    '/a > /a/2',
    '/a/2/1',
  ]);
});

carry('UDT-11 what was changed inside of an element that the patch then appends elsewhere', () => {
  const inside = splice(['samples', 2, 'tags'], 0, 0, 3);
  const moved = move('/samples/2', '/done/-');
  assert.equal(carried([moved, replace('/done/7/label')], inside), ['/samples/2 > /done/-', '/done/7/label']);
  refused('conflict', /^Operation 1 .* element/, [moved, replace('/done/7/tags/1')], inside);
});

carry('UDT-4 a path that is none is refused by the name of its operation', () => {
  refused('bad-request', /^Operation 1 \(remove x\)/, [add('/x'), remove('x')], samples(0, 0, 1));
  refused('bad-request', /^Operation 0 .*__proto__/, [copy('/__proto__', '/x')]);
});

carry('UDT-11 the work is bounded, and what cannot matter costs nothing', () => {
  const many = (count: number, edit: Edit): Edit[] => Array.from({ length: count }, () => edit);
  const operations = Array.from({ length: 2001 }, () => replace('/samples/9/annotation'));
  refused('conflict', /more than 2000000 steps/, operations, ...many(1000, samples(0, 0, 1)));
  assert.is(carried(operations.slice(1), ...many(1000, samples(0, 0, 1))).at(-1), '/samples/1009/annotation');
  assert.is(carryStepsMax, 2_000_000);
  const idle = [...many(50_000, set('samples', 3, 'annotation')), ...many(50_000, splice(['log'], 0, 0, 1))];
  assert.is(carried(operations, ...idle, samples(0, 1, 0)).at(-1), '/samples/8/annotation');
  const doubling = Array.from({ length: 40 }, (_, i) => copy('/a', `/a/${i}x`));
  refused('conflict', /steps/, doubling, splice(['a', 'b'], 0, 1, 0));
});

carry.run();
