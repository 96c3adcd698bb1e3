// UDT-2: the hash of a long array, kept in blocks, is that of its text whatever is put in and taken out.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HashBlocks, type Block } from '../../src/core/hash-blocks.ts';
import { RollingHash } from '../../src/core/rolling-hash.ts';
import { hardString } from '../support/hard-json.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('UDT-2 hash-blocks');

function blockOf(items: readonly string[]): Block {
  const text = new RollingHash();
  for (const item of items) text.write(`${item},`);
  return { ...text.take(), items: items.length };
}

function check(blocks: HashBlocks, expected: readonly (readonly string[])[], about: string): void {
  const items = expected.flat();
  const plain = new RollingHash();
  plain.write(`[${items.join(',')}]`);
  assert.equal(blocks.piece, plain.take(), about);
  assert.is(blocks.size, expected.length);
  let start = 0;
  for (const [at, block] of expected.entries()) {
    assert.equal(blocks.blockAt(at), blockOf(block));
    assert.is(blocks.itemsIn(at), block.length);
    for (let index = start; index < start + block.length; index++)
      assert.equal(blocks.find(index), { at, start }, `item ${index}`);
    start += block.length;
  }
  const last = expected.at(-1);
  if (last) assert.equal(blocks.find(start), { at: expected.length - 1, start: start - last.length });
}

test('no block is an empty array, and behind it comes the first', () => {
  const blocks = new HashBlocks();
  check(blocks, [], 'none');
  assert.equal(blocks.find(0), { at: 0, start: 0 });
  blocks.replace(0, 0, [blockOf(['1', '2'])]);
  check(blocks, [['1', '2']], 'one');
});

test('the text of blocks that are replaced at random is that of their items', () => {
  const random = seededPrng('hash-blocks');
  const block = (): string[] => Array.from({ length: prng.int32(random, 1, 5) }, () => hardString(random, 5));
  const row = (): string[][] => Array.from({ length: prng.int32(random, 0, 4) }, block);
  for (let round = 0; round < 100; round++) {
    const expected = row();
    const blocks = new HashBlocks(expected.map(blockOf));
    for (let step = 0; step < 10; step++) {
      const at = prng.int32(random, 0, expected.length);
      const count = prng.int32(random, 0, expected.length - at);
      const others = row();
      expected.splice(at, count, ...others);
      blocks.replace(at, count, others.map(blockOf));
      check(blocks, expected, `round ${round}, step ${step}`);
    }
    const another = block();
    expected.push(another);
    blocks.push(blockOf(another));
    check(blocks, expected, `round ${round}, pushed`);
  }
});

test.run();
