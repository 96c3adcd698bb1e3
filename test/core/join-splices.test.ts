// Edits that were joined do what they did one by one.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits, type Edit, type Path } from '../../src/core/edits.ts';
import { joinSplices } from '../../src/core/join-splices.ts';
import { planPatch } from '../../src/core/plan-patch.ts';
import type { Json } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { seededPrng } from '../support/seed.ts';

const join = suite('join-splices');

const splice = (index: number, remove: number, ...insert: Json[]): Edit =>
  spliceAt(['l'], index, remove, insert);

function spliceAt(path: Path, index: number, remove: number, insert: readonly Json[]): Edit {
  return { type: 'splice', path, index, remove, insert };
}

join('insertions behind each other', () => {
  assert.equal(joinSplices([splice(3, 0, 'a'), splice(4, 0, 'b', 'c'), splice(6, 0, 'd')]), [
    splice(3, 0, 'a', 'b', 'c', 'd'),
  ]);
  const apart = [splice(3, 0, 'a'), splice(2, 0, 'b'), splice(5, 0, 'c')];
  assert.equal(joinSplices(apart), apart);
});

join('insertions each before the last', () => {
  assert.equal(joinSplices([splice(3, 0, 'a'), splice(3, 0, 'b'), splice(3, 0, 'c'), splice(5, 0, 'd')]), [
    splice(3, 0, 'c', 'b', 'a'),
    splice(5, 0, 'd'),
  ]);
});

join('removals beside each other, in any order', () => {
  assert.equal(joinSplices([splice(3, 1), splice(3, 2), splice(3, 1)]), [splice(3, 4)]);
  assert.equal(joinSplices([splice(9, 1), splice(8, 1), splice(6, 2), splice(6, 1)]), [splice(6, 5)]);
  const apart = [splice(3, 1), splice(4, 1), splice(2, 1)];
  assert.equal(joinSplices(apart), apart);
});

join('UDT-11 elements replaced in their places still are', () => {
  assert.equal(joinSplices([splice(3, 1, 'a'), splice(4, 1, 'b')]), [splice(3, 2, 'a', 'b')]);
  const others = [splice(3, 1), splice(3, 0, 'a'), splice(4, 1, 'b'), splice(5, 2, 'c'), splice(6, 0, 'd')];
  assert.equal(joinSplices(others), others);
});

join('nothing is joined over other edits, or with those of another array', () => {
  const set: Edit = { type: 'set', path: [], key: 'k', value: 1 };
  const edits = [
    splice(0, 0, 1),
    set,
    splice(1, 0, 2),
    spliceAt(['m'], 2, 0, [3]),
    spliceAt(['m', 1], 3, 0, [4]),
  ];
  assert.equal(joinSplices(edits), edits);
  assert.equal(joinSplices([]), []);
});

join('the effect of random edits stays', () => {
  const random = seededPrng('join-splices');
  let joined = 0;
  for (let round = 0; round < 2000; round++) {
    const view = { l: Array.from({ length: 10 }, (_, i) => i) };
    let length = 10;
    let at = prng.int32(random, 0, 9);
    const edits = Array.from({ length: 12 }, (_, i) => {
      if (prng.int32(random, 0, 3) === 0) at = prng.int32(random, 0, length);
      const index = Math.min(at, length);
      const remove = Math.min(prng.int32(random, 0, 1), length - index);
      const insert = prng.bool(random) ? [`new ${i}`] : [];
      length += insert.length - remove;
      at = index + prng.int32(random, -1, 1);
      at = Math.max(0, at);
      return splice(index, remove, ...insert);
    });
    const short = joinSplices(edits);
    joined += edits.length - short.length;
    assert.equal(applyEdits(view, short), applyEdits(view, edits), JSON.stringify(edits));
  }
  assert.ok(joined > 1000);
});

join('removals from the front are one edit', () => {
  const removals = Array.from({ length: 5000 }, (): Operation => ({ op: 'remove', path: '/l/0' }));
  assert.equal(planPatch({ l: removals.map((_, i) => i) }, removals).edits, [splice(0, 5000)]);
});

join('a patch of 200,000 operations in a row is one edit', () => {
  const count = 200_000;
  const list = Array.from({ length: count }, (_, i) => i);
  const plan = (view: { l: number[] }, operation: (i: number) => Operation): Edit[] =>
    planPatch(
      view,
      list.map((i) => operation(i)),
    ).edits;
  assert.is(plan({ l: [] }, (value) => ({ op: 'add', path: '/l/-', value })).length, 1);
  assert.is(plan({ l: list }, (i) => ({ op: 'remove', path: `/l/${count - 1 - i}` })).length, 1);
  assert.is(plan({ l: list }, (i) => ({ op: 'replace', path: `/l/${i}`, value: 'x' })).length, 1);
  const all = { op: 'replace', path: '/l', value: list.map((i) => -1 - i) } as const;
  assert.is(planPatch({ l: list }, [all]).edits.length, 1);
});

join.run();
