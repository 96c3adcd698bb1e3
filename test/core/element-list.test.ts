// The list of elements that long patches are planned on does what an array does.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ElementList } from '../../src/core/element-list.ts';
import { seededPrng } from '../support/seed.ts';

const list = suite('element-list');

list('random splices and replacements are those of an array', () => {
  const random = seededPrng('element-list');
  for (let round = 0; round < 20; round++) {
    let next = prng.int32(random, 0, 3_000);
    const array = Array.from({ length: next }, (_, i) => i);
    const elements = new ElementList(array);
    for (let step = 0; step < 150; step++) {
      const index = prng.int32(random, 0, array.length);
      const remove = prng.int32(random, 0, Math.min(array.length - index, prng.oneOf(random, [1, 3, 1_500])));
      const count = prng.int32(random, 0, prng.oneOf(random, [1, 3, 1_500]));
      const insert = Array.from({ length: count }, () => next++);
      elements.splice(index, remove, insert);
      array.splice(index, remove, ...insert);
      if (array.length > 0) {
        const at = prng.int32(random, 0, array.length - 1);
        elements.set(at, next);
        array[at] = next++;
      }
      assert.is(elements.length, array.length);
      for (const at of [0, 1, index, array.length - 1, array.length]) assert.is(elements.at(at), array[at]);
    }
    assert.equal(elements.toArray(), array);
    const wanted = array[Math.floor(array.length / 2)];
    const found = elements.findIndex(
      (chunk) => chunk.includes(wanted ?? -1),
      (each) => each === wanted,
    );
    assert.is(found, wanted === undefined ? -1 : array.indexOf(wanted));
  }
});

list.run();
