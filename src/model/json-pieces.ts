// Prints JSON of any size without holding the event loop: the text comes in pieces, each made in a few milliseconds.
// The HTTP adapters stream large answers with it.

import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';

/** Large enough that few system calls carry it, small enough to be made in about a millisecond. */
const usualPieceUnits = 128 * 1024;

/**
 * The text of `JSON.stringify(value)`, in pieces.
 * @param value doesn't change until the last piece is there.
 * @param pieceUnits how many UTF-16 units a piece has at least, but for the last; it has no more than a few times as
 *   many, unless a key is that long. No piece ends within a character.
 */
export function* jsonPieces(value: Json, pieceUnits = usualPieceUnits): Generator<string, void> {
  let piece = '';
  const way: Long[] = [];
  const print = (next: Json): void => {
    const long = isShortJson(next, pieceUnits) ? null : longOf(next, pieceUnits);
    piece += long ? long.opening : JSON.stringify(next);
    if (long) way.push(long);
  };
  print(value);
  for (let long = way.at(-1); long; long = way.at(-1)) {
    if (long.isDone) {
      piece += long.closing;
      way.pop();
    } else {
      const { text, member } = long.next();
      piece += text;
      if (member !== undefined) print(member);
    }
    if (piece.length < pieceUnits) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** Whether a value's JSON is short: about so many units at most. It costs no more for a long one. */
export function isShortJson(value: Json, unitsMax: number): boolean {
  return unitsOf(value, unitsMax, levelsMax) <= unitsMax;
}

/** What comes next of a long value: text, and behind it a member if there is one. */
interface Next {
  readonly text: string;
  readonly member?: Json;
}

/** A long value that is being printed. All those under way are the way to the one at hand. */
interface Long {
  readonly opening: string;
  readonly closing: string;
  readonly isDone: boolean;
  next(): Next;
}

/** Null for what can't be cut. */
function longOf(value: Json, unitsMax: number): Long | null {
  if (isJsonArray(value)) return new LongArray(value, unitsMax);
  if (isJsonObject(value)) return new LongObject(value);
  return typeof value === 'string' ? new LongString(value, unitsMax) : null;
}

class LongArray implements Long {
  readonly opening = '[';
  readonly closing = ']';
  private index = 0;

  constructor(
    private readonly items: readonly Json[],
    private readonly unitsMax: number,
  ) {}

  get isDone(): boolean {
    return this.index >= this.items.length;
  }

  /** As many short items as fit, at once: that is far faster than one by one. */
  next(): Next {
    const { items, index, unitsMax } = this;
    const comma = index === 0 ? '' : ',';
    let units = 0;
    while (!this.isDone) {
      units += 1 + unitsOf(items[this.index], unitsMax - units, levelsMax);
      if (units > unitsMax) break;
      this.index++;
    }
    if (this.index > index)
      return { text: comma + JSON.stringify(items.slice(index, this.index)).slice(1, -1) };
    this.index++;
    return { text: comma, member: items[index] ?? null };
  }
}

class LongObject implements Long {
  readonly opening = '{';
  readonly closing = '}';
  private readonly keys: readonly string[];
  private index = 0;

  constructor(private readonly object: JsonObject) {
    this.keys = Object.keys(object);
  }

  get isDone(): boolean {
    return this.index >= this.keys.length;
  }

  next(): Next {
    const comma = this.index === 0 ? '' : ',';
    const key = this.keys[this.index++] ?? '';
    return { text: `${comma}${JSON.stringify(key)}:`, member: this.object[key] ?? null };
  }
}

class LongString implements Long {
  readonly opening = '"';
  readonly closing = '"';
  private at = 0;

  constructor(
    private readonly string: string,
    private readonly unitsMax: number,
  ) {}

  get isDone(): boolean {
    return this.at >= this.string.length;
  }

  next(): Next {
    const { string, at } = this;
    const isPairCut = /[\ud800-\udbff]$/.test(string.slice(at, at + this.unitsMax)); // or may be
    this.at = at + this.unitsMax + (isPairCut ? 1 : 0);
    return { text: JSON.stringify(string.slice(at, this.at)).slice(1, -1) };
  }
}

/** Deeper values don't count as short: going into them takes no recursion. */
const levelsMax = 64;

/** About how many units a value's JSON has, or some number over `unitsMax` if it has more. */
function unitsOf(value: Json | undefined, unitsMax: number, levels: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return scalarUnits;
  if (levels === 0) return Infinity;
  let units = 2;
  if (isJsonArray(value)) {
    for (const item of value) {
      units += 1 + unitsOf(item, unitsMax - units, levels - 1);
      if (units > unitsMax) return units;
    }
    return units;
  }
  for (const key in value) {
    units += key.length + 4 + unitsOf(value[key], unitsMax - units, levels - 1);
    if (units > unitsMax) return units;
  }
  return units;
}

/** What a number, `null` or a boolean usually has. */
const scalarUnits = 8;
