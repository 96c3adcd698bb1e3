// A patch from outside does what RFC 6902 says, within the rules of the UDT wire, or nothing.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits, type Edit } from '../../src/core/edits.ts';
import { planEdits, planPatch } from '../../src/core/plan-patch.ts';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { frozen, oddVocabulary, randomObject } from '../support/random-json.ts';
import { randomPatch } from '../support/random-patch.ts';
import { seededPrng } from '../support/seed.ts';

const plan = suite('plan-patch');

const view: JsonObject = frozen({
  interface: { type: 'text', labels: ['a', 'b'] },
  samples: [{ text: 'x' }, { text: 'y', annotation: { 'a/b': 1, '~': 2 } }, { text: 'z' }],
});

function planned(...operations: Operation[]): { edits: Edit[]; view: JsonObject } {
  const result = planPatch(view, frozen(operations as unknown as Json[]) as unknown as Operation[]);
  assert.equal(applyEdits(view, result.edits), result.view);
  return result;
}

function refused(code: ErrorCode, message: RegExp, ...operations: Operation[]): void {
  assert.throws(
    () => planned(...operations),
    (error: unknown) => {
      assert.instance(error, RejoinError);
      assert.is((error as RejoinError).code, code, (error as RejoinError).message);
      assert.match((error as RejoinError).message, message);
      return true;
    },
  );
}

plan('each operation of RFC 6902 does what it says', () => {
  const labels = (...operations: Operation[]) => (planned(...operations).view.interface as JsonObject).labels;
  assert.equal(labels({ op: 'add', path: '/interface/labels/1', value: 'n' }), ['a', 'n', 'b']);
  assert.equal(labels({ op: 'add', path: '/interface/labels/-', value: 'n' }), ['a', 'b', 'n']);
  assert.equal(labels({ op: 'add', path: '/interface/labels/2', value: 'n' }), ['a', 'b', 'n']);
  assert.equal(labels({ op: 'remove', path: '/interface/labels/0' }), ['b']);
  assert.equal(labels({ op: 'replace', path: '/interface/labels/0', value: 1 }), [1, 'b']);
  assert.equal(labels({ op: 'move', from: '/interface/labels/0', path: '/interface/labels/1' }), ['b', 'a']);
  assert.equal(labels({ op: 'copy', from: '/interface/labels/0', path: '/interface/labels/-' }), [
    'a',
    'b',
    'a',
  ]);
  assert.equal(labels({ op: 'test', path: '/samples/0', value: { text: 'x' } }), ['a', 'b']);
  assert.equal(planned({ op: 'add', path: '/samples/1/annotation/a~1b', value: 3 }).edits, [
    { type: 'set', path: ['samples', 1, 'annotation'], key: 'a/b', value: 3 },
  ]);
  assert.equal(planned({ op: 'remove', path: '/samples/1/annotation/~0' }).edits, [
    { type: 'unset', path: ['samples', 1, 'annotation'], key: '~' },
  ]);
});

plan('each operation sees the effect of those before it', () => {
  const after = planned(
    { op: 'remove', path: '/samples/0' },
    { op: 'add', path: '/samples/0/annotation/new', value: [] },
    { op: 'copy', from: '/samples/0/annotation', path: '/samples/1/annotation' },
    { op: 'add', path: '/samples/0/annotation/new/-', value: 1 },
    { op: 'test', path: '/samples/1/annotation/new', value: [] },
    { op: 'move', from: '/samples/1', path: '/first' },
  ).view;
  assert.equal(after.samples, [{ text: 'y', annotation: { 'a/b': 1, '~': 2, new: [1] } }]);
  assert.equal(after.first, { text: 'z', annotation: { 'a/b': 1, '~': 2, new: [] } });
});

plan('UDT-4 an operation that cannot be applied is named', () => {
  const fine: Operation = { op: 'add', path: '/fine', value: 1 };
  refused('conflict', /^Operation 1 \(remove \/samples\/7\): the array has only 3 elements$/, fine, {
    op: 'remove',
    path: '/samples/7',
  });
  refused('conflict', /has only 3/, { op: 'add', path: '/samples/4', value: 1 });
  refused('conflict', /has only 3/, { op: 'replace', path: '/samples/-', value: 1 });
  refused('conflict', /has only 3/, { op: 'test', path: '/samples/3/text', value: 1 });
  refused('conflict', /no index/, { op: 'add', path: '/samples/01', value: 1 });
  refused('conflict', /no index/, { op: 'remove', path: '/samples/text' });
  refused('conflict', /no index/, { op: 'remove', path: '/samples/1e0' });
  refused('conflict', /the root has no member "x"/, { op: 'add', path: '/x/y', value: 1 });
  refused('conflict', /\/samples\/0 has no member "y"/, { op: 'replace', path: '/samples/0/y', value: 1 });
  refused('conflict', /\/samples\/0\/text is neither/, { op: 'add', path: '/samples/0/text/y', value: 1 });
  refused('conflict', /another/, { op: 'test', path: '/samples/0', value: { text: 'y' } });
  refused('conflict', /no member/, { op: 'copy', from: '/nothing', path: '/x' });
  refused('conflict', /no member "toString"/, { op: 'copy', from: '/toString', path: '/x' });
});

plan('UDT-4 removing a missing member, and replacing a missing top-level key, succeed', () => {
  assert.equal(planned({ op: 'remove', path: '/samples/0/annotation' }).edits, []);
  assert.equal(planned({ op: 'remove', path: '/nothing' }).edits, []);
  refused('conflict', /no member "nothing"/, { op: 'remove', path: '/nothing/deeper' });
  refused('conflict', /no member "nothing"/, { op: 'move', from: '/nothing', path: '/x' });
  assert.equal(planned({ op: 'replace', path: '/name', value: 'n' }).edits, [
    { type: 'set', path: [], key: 'name', value: 'n' },
  ]);
});

plan('UDT-4 the root must stay an object', () => {
  refused('conflict', /root must stay an object/, { op: 'remove', path: '' });
  refused('conflict', /root must stay an object/, { op: 'replace', path: '', value: [] });
  refused('conflict', /root must stay an object/, { op: 'copy', from: '/samples', path: '' });
  assert.equal(planned({ op: 'add', path: '', value: { ...view, name: 'n' } }).edits, [
    { type: 'set', path: [], key: 'name', value: 'n' },
  ]);
  assert.equal(planned({ op: 'copy', from: '/interface', path: '' }).view, view.interface);
});

plan('UDT-4 nothing from a prototype is reachable', () => {
  const paths = ['/__proto__', '/__proto__/x', '/samples/0/__proto__/x', '/nothing/__proto__'];
  const inherited = [
    '/constructor',
    '/constructor/prototype/x',
    '/samples/constructor',
    '/samples/0/text/prototype',
  ];
  for (const path of [...paths, ...inherited, '/nothing/constructor', '/samples/9/prototype']) {
    refused('bad-request', /Operation 0/, { op: 'add', path, value: 1 });
    refused('bad-request', /Operation 0/, { op: 'remove', path });
    refused('bad-request', /Operation 0/, { op: 'copy', from: path, path: '/x' });
    refused('bad-request', /Operation 0/, { op: 'move', from: '/interface', path });
  }
  const own = { constructor: { prototype: 1 } };
  const result = planned(
    { op: 'add', path: '/car', value: own },
    { op: 'replace', path: '/car/constructor/prototype', value: 2 },
    { op: 'remove', path: '/car/constructor' },
  );
  assert.equal(result.view.car, {});
});

plan('RFC 6901 a pointer that is none is refused before anything else', () => {
  const late: Operation = { op: 'remove', path: '/samples/99' };
  refused('bad-request', /Operation 1 .*start with/, late, { op: 'remove', path: 'samples' });
  refused('bad-request', /followed by 0 or 1/, late, { op: 'remove', path: '/~2' });
  refused('bad-request', /followed by 0 or 1/, late, { op: 'copy', from: '/a~', path: '/x' });
});

plan('UDT-12 what is replaced is compared', () => {
  const samples = structuredClone(view.samples) as JsonObject[];
  samples[1] = { ...samples[1], text: 'changed' };
  const change: Edit = { type: 'set', path: ['samples', 1], key: 'text', value: 'changed' };
  assert.equal(planned({ op: 'replace', path: '/samples', value: samples }).edits, [change]);
  assert.equal(planned({ op: 'add', path: '/samples', value: samples }).edits, [change]);
  assert.equal(planned({ op: 'replace', path: '', value: { ...view, samples } }).edits, [change]);
  assert.equal(planned({ op: 'replace', path: '/samples/1', value: samples[1] }).edits, [change]);
  assert.equal(planned({ op: 'replace', path: '/samples/1/text', value: 'y' }).edits, []);
});

plan('a move to itself is no edit, into itself a conflict', () => {
  assert.equal(planned({ op: 'move', from: '/samples/0', path: '/samples/0' }).edits, []);
  refused('conflict', /into itself/, { op: 'move', from: '/samples', path: '/samples/0' });
  refused('conflict', /into itself/, { op: 'move', from: '', path: '/x' });
  refused('conflict', /has only 3/, { op: 'move', from: '/samples/3', path: '/samples/3' });
});

plan('a patch cannot nest or multiply without limit', () => {
  const deep = '/interface' + '/a'.repeat(63);
  const nested = (levels: number): Json => (levels === 0 ? {} : { a: nested(levels - 1) });
  planned({ op: 'add', path: '/deep', value: nested(62) });
  refused('bad-request', /deeper than 64/, { op: 'add', path: '/deep', value: nested(63) });
  refused(
    'bad-request',
    /deeper than 64/,
    { op: 'add', path: '/interface/a', value: nested(61) },
    { op: 'add', path: deep, value: {} },
    { op: 'add', path: deep + '/a', value: {} },
  );
  const doubling = Array.from({ length: 40 }, (_, i): Operation => ({
    op: 'copy',
    from: '',
    path: `/c${i}`,
  }));
  refused('too-large', /1000000 values/, ...doubling);
});

plan('20,000 removals by one patch copy the array once', () => {
  const samples = Array.from({ length: 20_000 }, (_, i) => ({ i }));
  const operations = samples.map((): Operation => ({ op: 'remove', path: '/samples/0' }));
  assert.equal(planPatch({ samples }, operations).view, { samples: [] });
});

/** Counts its copies, and those of its copies. */
class CountedArray extends Array<Json> {
  static copies = 0;
  override slice(start?: number, end?: number): Json[] {
    CountedArray.copies++;
    return super.slice(start, end);
  }
}

plan('moves and copies within an array copy the array once, whatever they move', () => {
  const item = (i: number): Json => (i % 2 === 0 ? i : { i, tags: [i] });
  const samples = CountedArray.from(Array.from({ length: 100 }, (_, i) => item(i)));
  const operations = Array.from({ length: 50 }, (_, i): Operation[] => [
    { op: 'move', from: `/samples/${i}`, path: '/samples/99' },
    { op: 'copy', from: `/samples/${i}`, path: '/samples/-' },
    { op: 'remove', path: '/samples/0' },
  ]).flat();
  CountedArray.copies = 0;
  planPatch({ samples }, operations);
  assert.is(CountedArray.copies, 1);
});

plan(
  'what was moved or copied is changed in one place alone, also when the patch had changed it before',
  () => {
    const { edits, view: after } = planned(
      { op: 'add', path: '/samples/1/annotation/list', value: [{ n: 1 }] },
      { op: 'add', path: '/samples/1/annotation/list/0/m', value: 2 },
      { op: 'copy', from: '/samples/1', path: '/samples/-' },
      { op: 'replace', path: '/samples/1/annotation/list/0/m', value: 3 },
      { op: 'move', from: '/samples/1/annotation', path: '/moved' },
      { op: 'remove', path: '/moved/list/0/n' },
    );
    assert.equal(after.moved, { 'a/b': 1, '~': 2, list: [{ m: 3 }] });
    assert.equal((after.samples as Json[])[3], {
      text: 'y',
      annotation: { 'a/b': 1, '~': 2, list: [{ n: 1, m: 2 }] },
    });
    const moved = edits.find((edit) => edit.type === 'set' && edit.key === 'moved');
    assert.equal(moved?.type === 'set' && moved.value, { 'a/b': 1, '~': 2, list: [{ n: 1, m: 3 }] });
  },
);

plan('RFC 6902 random patches come to what fast-json-patch makes of them', () => {
  const random = seededPrng('plan-patch');
  for (let round = 0; round < 700; round++) {
    const before = frozen(randomObject(random, oddVocabulary, 4));
    const { operations, after } = randomPatch(random, before);
    const result = planPatch(before, operations);
    assert.equal(result.view, after, JSON.stringify(operations));
    assert.equal(applyEdits(before, result.edits), after, JSON.stringify(operations));
  }
});

plan('planned without copies of long arrays, edits are the same, and the view is what it was', () => {
  const random = seededPrng('plan-edits');
  for (let round = 0; round < 50; round++) {
    const samples = Array.from({ length: 1_005 }, (_, i) =>
      i < 5 ? randomObject(random, oddVocabulary, 3) : { i },
    );
    const before = { ...randomObject(random, oddVocabulary, 3), samples };
    const kept = structuredClone(before);
    const { operations } = randomPatch(random, before);
    const toLong: Operation[] = [
      { op: 'copy', from: '/samples', path: '/copied' },
      { op: 'replace', path: '/samples/1/i', value: 'copied before' },
      { op: 'remove', path: '/samples/0' },
      { op: 'move', from: '/samples', path: '/moved' },
      { op: 'add', path: '/moved/-', value: 1 },
      { op: 'test', path: '/moved/999', value: 'no such value' },
    ];
    const patch = [...operations, ...toLong.slice(0, prng.int32(random, 0, toLong.length))];
    const edits = (plan: () => Edit[]): Json => {
      try {
        return plan().map((edit) => ({ ...edit }));
      } catch (error) {
        assert.instance(error, RejoinError);
        return (error as RejoinError).message;
      }
    };
    const frozenView = frozen(structuredClone(before));
    assert.equal(
      edits(() => planEdits(before, patch)),
      edits(() => planPatch(frozenView, patch).edits),
    );
    assert.equal(before, kept);
  }
});

plan.run();
