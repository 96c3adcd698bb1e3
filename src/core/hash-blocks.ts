// The text of a long array as a row of blocks, each with as many items as it says and a comma behind every one: the hash of the
// whole is the sum of theirs, and a change of one item costs its block. What is hashed that way is udt-hash.ts's and
// summary-hash.ts's matter.

import { RollingHash, type Piece } from './rolling-hash.ts';

export interface Block extends Piece {
  readonly items: number;
}

export class HashBlocks {
  // Columns of small integers: V8 sums thousands of them in microseconds.
  private readonly hashes: number[] = [];
  private readonly powers: number[] = [];
  private readonly lengths: number[] = [];
  private readonly counts: number[] = [];

  constructor(blocks: Iterable<Block> = []) {
    for (const block of blocks) this.push(block);
  }

  get size(): number {
    return this.counts.length;
  }

  push({ hash, power, length, items }: Block): void {
    this.hashes.push(hash);
    this.powers.push(power);
    this.lengths.push(length);
    this.counts.push(items);
  }

  /** How many items a block has. */
  itemsIn(at: number): number {
    return this.counts[at] ?? 0;
  }

  blockAt(at: number): Block {
    const { hashes, powers, lengths, counts } = this;
    return {
      hash: hashes[at] ?? 0,
      power: powers[at] ?? 1,
      length: lengths[at] ?? 0,
      items: counts[at] ?? 0,
    };
  }

  /** The block that the item at an index is in, and the index of its first item; behind the last item, the last block. */
  find(index: number): { at: number; start: number } {
    let start = 0;
    const last = this.counts.length - 1;
    for (let at = 0; at < last; at++) {
      const next = start + (this.counts[at] ?? 0);
      if (index < next) return { at, start };
      start = next;
    }
    return { at: Math.max(last, 0), start };
  }

  /** Puts others in the place of a row of blocks. */
  replace(at: number, count: number, blocks: readonly Block[]): void {
    this.hashes.splice(at, count, ...blocks.map(({ hash }) => hash));
    this.powers.splice(at, count, ...blocks.map(({ power }) => power));
    this.lengths.splice(at, count, ...blocks.map(({ length }) => length));
    this.counts.splice(at, count, ...blocks.map(({ items }) => items));
  }

  /** The text of the array. */
  get piece(): Piece {
    const text = new RollingHash();
    text.write('[');
    text.append(this.sum());
    if (this.size === 0) text.write(']');
    else text.replaceLast(',', ']');
    return text.take();
  }

  private sum(): Piece {
    let [hash, power, length] = [0, 1, 0];
    for (let at = 0; at < this.hashes.length; at++) {
      const factor = this.powers[at] ?? 1;
      hash = (Math.imul(hash, factor) + (this.hashes[at] ?? 0)) | 0;
      power = Math.imul(power, factor);
      length += this.lengths[at] ?? 0;
    }
    return { hash, power, length };
  }
}
