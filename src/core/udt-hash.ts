// The hash that the UDT wire compares states by (UDT-2), kept per part of a document. Each project owns a hasher, so
// that the hash after one edit costs the changed path and not the document.

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { HashBlocks, type Block } from './hash-blocks.ts';
import { RollingHash, type Piece } from './rolling-hash.ts';

/**
 * Hashes views that share their unchanged parts. It relies on their immutability, but for arrays of which it is told, and
 * keeps the latest one alive.
 */
export class UdtHasher {
  private readonly kept = new WeakMap<object, Kept>();
  private readonly text = new RollingHash();
  private latest: Json = null;

  /** The signed 32-bit hash of the text that json-stable-stringify makes of `value`. */
  hash(value: Json): number {
    this.text.take();
    this.write(value, this.latest);
    this.latest = value;
    return this.text.take().hash;
  }

  /** The hash of an object with one member more, of which only the text is at hand. */
  hashWith(object: JsonObject, key: string, text: Piece): number {
    this.text.take();
    let separator = '{';
    for (const name of [...Object.keys(object), key].sort()) {
      this.text.write(separator);
      this.text.writeString(name);
      this.text.write(':');
      if (name === key) this.text.append(text);
      else this.write(object[name] ?? null, undefined);
      separator = ',';
    }
    this.text.write('}');
    return this.text.take().hash;
  }

  /** Elements of an array that was hashed were replaced in place. */
  replaced(array: readonly Json[], indices: Iterable<number>): void {
    const blocks = this.kept.get(array)?.blocks;
    if (!blocks) return;
    const dirty = new Map(
      [...indices].map((index) => blocks.find(index)).map(({ at, start }) => [at, start]),
    );
    // The last ones first, so that the places of those before stay.
    for (const [at, start] of [...dirty].sort(([a], [b]) => b - a))
      blocks.replace(at, 1, this.blocksOf(array, start, blocks.itemsIn(at)));
    this.kept.set(array, { ...blocks.piece, blocks });
  }

  /**
   * Hashes a long array in parts, so that a `hash` of what it is in is quick.
   * @param breathe lets other work go on.
   */
  async prepare(array: readonly Json[], breathe: () => Promise<void>): Promise<void> {
    const blocks: Block[] = [];
    for (let start = 0; start < array.length; start += itemsPerPart) {
      blocks.push(...this.blocksOf(array, start, Math.min(itemsPerPart, array.length - start)));
      await breathe();
    }
    const kept = new HashBlocks(blocks);
    if (array.length > itemsPerPart) this.kept.set(array, { ...kept.piece, blocks: kept });
  }

  private blocksOf(array: readonly Json[], start: number, count: number): Block[] {
    const blocks: Block[] = [];
    this.text.take();
    this.writeItems(array, start, start + count, [], blocks);
    this.text.take();
    return blocks;
  }

  /** @param former what stood in this place at the last hash, if anything: its blocks may stand here too. */
  private write(value: Json, former: Json | undefined): void {
    if (typeof value === 'string') {
      this.text.writeString(value);
      return;
    }
    if (typeof value !== 'object' || value === null) {
      this.text.write(String(value)); // as JSON.stringify does, for what JSON can carry
      return;
    }
    const kept = this.kept.get(value);
    if (kept) {
      this.text.append(kept);
      return;
    }
    const textBefore = this.text.take();
    const blocks = isJsonArray(value) ? this.writeArray(value, former) : null;
    if (!isJsonArray(value)) this.writeObject(value, former);
    const piece = this.text.take();
    if (piece.length >= keptUnitsMin)
      this.kept.set(value, { ...piece, blocks: blocks && new HashBlocks(blocks) });
    this.text.append(textBefore);
    this.text.append(piece);
  }

  private writeObject(object: JsonObject, former: Json | undefined): void {
    let separator = '{';
    for (const key of Object.keys(object).sort()) {
      this.text.write(separator);
      this.text.writeString(key);
      this.text.write(':');
      this.write(object[key] ?? null, memberOf(former, key));
      separator = ',';
    }
    this.text.write(separator === '{' ? '{}' : '}');
  }

  private writeArray(array: readonly Json[], former: Json | undefined): readonly Block[] {
    const blocks: Block[] = [];
    const formerArray = isJsonArray(former) ? former : [];
    this.text.write('[');
    let next = 0;
    for (const { block, start } of unchangedBlocks(this.kept.get(formerArray), formerArray, array)) {
      this.writeItems(array, next, start, formerArray, blocks);
      this.text.append(block);
      blocks.push(block);
      next = start + block.items;
    }
    this.writeItems(array, next, array.length, formerArray, blocks);
    if (array.length === 0) this.text.write(']');
    else this.text.replaceLast(',', ']');
    return blocks;
  }

  /** Writes the items from index `start` to before `end`, each with a comma behind it, and adds their blocks. */
  private writeItems(
    array: readonly Json[],
    start: number,
    end: number,
    former: readonly Json[],
    blocks: Block[],
  ): void {
    let textBefore = this.text.take();
    let items = 0;
    for (let index = start; index < end; index++) {
      this.write(array[index] ?? null, former[index]);
      this.text.write(',');
      items++;
      if (this.text.length < blockUnitsMin && index < end - 1) continue;
      const piece = this.text.take();
      blocks.push({ ...piece, items });
      items = 0;
      this.text.append(textBefore);
      this.text.append(piece);
      textBefore = this.text.take();
    }
    this.text.append(textBefore);
  }
}

// A container with a shorter text is hashed again, which takes tens of microseconds, and not kept.
const keptUnitsMin = 4096;

/** How many items of a long array are hashed at a time. */
const itemsPerPart = 1_000;

// After an edit in a long array the blocks around it are written again, and all others are looked through: shorter
// blocks make the first cheaper and the second dearer. This is about the best for 100,000 samples.
const blockUnitsMin = 16_384;

/** The text of a container; that of an array also as the blocks it consists of. */
interface Kept extends Piece {
  readonly blocks: HashBlocks | null;
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The blocks whose very items are in `array` too, at the old index or moved by the change of length. */
function* unchangedBlocks(
  kept: Kept | undefined,
  former: readonly Json[],
  array: readonly Json[],
): Generator<{ block: Block; start: number }> {
  const shift = array.length - former.length;
  let formerStart = 0;
  let next = 0;
  const blocks = kept?.blocks ?? new HashBlocks();
  for (let at = 0; at < blocks.size; at++) {
    const block = blocks.blockAt(at);
    const stays = formerStart >= next && sameItems(former, formerStart, array, formerStart, block.items);
    const start = stays ? formerStart : formerStart + shift;
    if (
      stays ||
      (shift !== 0 && start >= next && sameItems(former, formerStart, array, start, block.items))
    ) {
      yield { block, start };
      next = start + block.items;
    }
    formerStart += block.items;
  }
}

function sameItems(
  former: readonly Json[],
  formerStart: number,
  array: readonly Json[],
  start: number,
  count: number,
): boolean {
  if (start + count > array.length) return false;
  for (let i = 0; i < count; i++) {
    if (former[formerStart + i] !== array[start + i]) return false;
  }
  return true;
}
