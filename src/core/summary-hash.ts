// The hash of the list in a summary document (UDT-2, UDT-17), kept in blocks: a change of one sample costs its block, and not
// the list. Nothing of the list's text is kept.

import { HashBlocks, type Block } from './hash-blocks.ts';
import { RollingHash, type Piece } from './rolling-hash.ts';

export class SummaryHash {
  private blocks = new HashBlocks();
  private count = 0;

  /** @param write writes the text of the item at an index. */
  constructor(private readonly write: (text: RollingHash, index: number) => void) {}

  get length(): number {
    return this.count;
  }

  /** Hashes a list in parts. @param breathe lets other work go on. */
  async load(length: number, breathe: () => Promise<void>): Promise<void> {
    this.blocks = new HashBlocks();
    for (let start = 0; start < length; start += itemsPerPart) {
      for (const block of this.blocksOf(start, Math.min(itemsPerPart, length - start)))
        this.blocks.push(block);
      await breathe();
    }
    this.count = length;
  }

  /** The items at these indices have another text. */
  replaced(indices: readonly number[]): void {
    const dirty = new Map(
      indices.map((index) => this.blocks.find(index)).map(({ at, start }) => [at, start]),
    );
    for (const [at, start] of dirty)
      this.blocks.replace(at, 1, this.blocksOf(start, this.blocks.itemsIn(at)));
  }

  /** From an index on, so many items were taken out and so many put in. */
  spliced(index: number, removed: number, inserted: number): void {
    this.count += inserted - removed;
    const { at, start } = this.blocks.find(index);
    let end = at;
    let items = 0;
    while (end < this.blocks.size && start + items < index + removed + 1) items += this.blocks.itemsIn(end++);
    this.blocks.replace(at, end - at, this.blocksOf(start, items + inserted - removed));
  }

  /** The text of the whole list. */
  get piece(): Piece {
    return this.blocks.piece;
  }

  private blocksOf(start: number, count: number): Block[] {
    const blocks: Block[] = [];
    const text = new RollingHash();
    for (let from = 0; from < count; from += itemsPerBlock) {
      const items = Math.min(itemsPerBlock, count - from);
      for (let index = start + from; index < start + from + items; index++) {
        this.write(text, index);
        text.write(',');
      }
      blocks.push({ ...text.take(), items });
    }
    return blocks;
  }
}

const itemsPerBlock = 128;
const itemsPerPart = 2_048;
