// UDT-2, UDT-17: the hash of the list of samples is that of its text, at the cost of what changes.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RollingHash } from '../../src/core/rolling-hash.ts';
import { SummaryHash } from '../../src/core/summary-hash.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('UDT-2 summary-hash');

class Listed {
  items: string[] = [];
  written = 0;
  turns = 0;
  readonly hash = new SummaryHash((text, index) => {
    const item = this.items[index];
    if (item === undefined) throw new Error(`there is no item ${index} of ${this.items.length}`);
    this.written++;
    text.write(item);
  });

  async load(items: string[]): Promise<void> {
    this.items = items;
    await this.hash.load(items.length, () => {
      this.turns++;
      return Promise.resolve();
    });
  }

  splice(index: number, removed: number, inserted: readonly string[]): void {
    this.items.splice(index, removed, ...inserted);
    this.hash.spliced(index, removed, inserted.length);
  }

  replace(changes: ReadonlyMap<number, string>): void {
    for (const [index, item] of changes) this.items[index] = item;
    this.hash.replaced([...changes.keys()]);
  }

  check(about: string): void {
    const plain = new RollingHash();
    plain.write(`[${this.items.join(',')}]`);
    assert.equal(this.hash.piece, plain.take(), about);
    assert.is(this.hash.length, this.items.length);
  }
}

const numbered = (length: number): string[] => Array.from({ length }, (_, i) => `{"n":${i}}`);

test('lists of lengths around those of blocks and parts', async () => {
  for (const length of [0, 1, 127, 128, 129, 256, 2_047, 2_048, 2_049, 5_000]) {
    const list = new Listed();
    await list.load(numbered(length));
    list.check(`${length} items`);
    assert.is(list.turns, Math.ceil(length / 2_048), 'others have their turns');
  }
});

test('everything taken out, and put in again', async () => {
  const list = new Listed();
  await list.load(numbered(300));
  list.splice(0, 300, []);
  list.check('empty');
  list.splice(0, 0, numbered(500));
  list.check('full');
  await list.load(numbered(3));
  list.check('another list');
});

test('a change of a few items costs their blocks, and not the list', async () => {
  const list = new Listed();
  await list.load(numbered(100_000));
  list.written = 0;
  list.replace(new Map([[50_000, 'a'], [50_001, 'b'], [99_999, 'c']])); // prettier-ignore
  list.splice(70_000, 1, ['d', 'e']);
  list.splice(100_001, 0, ['f']);
  assert.ok(list.written < 1_500, `${list.written} items were hashed`);
  list.check('changed');
});

test('splices and replacements at random', async () => {
  const random = seededPrng('summary-hash');
  const item = (): string => `"${prng.word(random, 0, 12)}"`;
  const some = (max: number): string[] => Array.from({ length: prng.int32(random, 0, max) }, item);
  for (let round = 0; round < 40; round++) {
    const list = new Listed();
    await list.load(some(700));
    for (let step = 0; step < 12; step++) {
      const { length } = list.items;
      if (length > 0 && prng.bool(random)) {
        const changes = some(10).map((text): [number, string] => [prng.int32(random, 0, length - 1), text]);
        list.replace(new Map(changes));
      } else {
        const index = prng.int32(random, 0, length);
        const removed = prng.int32(
          random,
          0,
          prng.bool(random) ? length - index : Math.min(3, length - index),
        );
        list.splice(index, removed, some(prng.bool(random) ? 300 : 2));
      }
      list.check(`round ${round}, step ${step}`);
    }
  }
});

test.run();
