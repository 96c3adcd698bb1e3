// The hash of the list in a summary document (UDT-2, UDT-17), kept in blocks: a change of one sample costs its block, and not
// the list. Nothing of the list's text is kept.

import { RollingHash, type Piece } from './rolling-hash.ts';

export class SummaryHash {
  private blocks: Block[] = [];
  private count = 0;

  /** @param write writes the text of the item at an index. */
  constructor(private readonly write: (text: RollingHash, index: number) => void) {}

  get length(): number {
    return this.count;
  }

  /** Hashes a list in parts. @param breathe lets other work go on. */
  async load(length: number, breathe: () => Promise<void>): Promise<void> {
    this.blocks = [];
    for (let start = 0; start < length; start += itemsPerPart) {
      this.blocks.push(...this.blocksOf(start, Math.min(itemsPerPart, length - start)));
      await breathe();
    }
    this.count = length;
  }

  /** The items at these indices have another text. */
  replaced(indices: Iterable<number>): void {
    const dirty = new Set([...indices].map((index) => this.blockAt(index).at));
    for (const at of dirty) {
      const block = this.blocks[at];
      if (block) this.blocks.splice(at, 1, ...this.blocksOf(this.startOf(at), block.items));
    }
  }

  /** From an index on, so many items were taken out and so many put in. */
  spliced(index: number, removed: number, inserted: number): void {
    this.count += inserted - removed;
    const first = this.blockAt(index);
    let end = first.at;
    let items = 0;
    while (end < this.blocks.length && first.start + items < index + removed + 1)
      items += this.blocks[end++]?.items ?? 0;
    this.blocks.splice(first.at, end - first.at, ...this.blocksOf(first.start, items + inserted - removed));
  }

  /** The text of the whole list. */
  get piece(): Piece {
    const text = new RollingHash();
    text.write('[');
    for (const block of this.blocks) text.append(block);
    if (this.count === 0) text.write(']');
    else text.replaceLast(',', ']');
    return text.take();
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

  /** Which block an item is in; behind the last, the last. */
  private blockAt(index: number): { at: number; start: number } {
    let start = 0;
    for (let at = 0; at < this.blocks.length; at++) {
      const items = this.blocks[at]?.items ?? 0;
      if (index < start + items || at === this.blocks.length - 1) return { at, start };
      start += items;
    }
    return { at: 0, start: 0 };
  }

  private startOf(at: number): number {
    let start = 0;
    for (let before = 0; before < at; before++) start += this.blocks[before]?.items ?? 0;
    return start;
  }
}

interface Block extends Piece {
  readonly items: number;
}

const itemsPerBlock = 128;
const itemsPerPart = 2_048;
