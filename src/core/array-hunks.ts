// Where two arrays differ, as the runs of elements that stand for each other. Differences of documents and the
// patches of the UDT wire are both made from it.

import type { Json } from '../model/json.ts';
import { commonSubsequence } from './common-subsequence.ts';
import { jsonEquals } from './json-equals.ts';
import { UdtHasher } from './udt-hash.ts';

/** `removed` elements from index `before` of the old array became `inserted` elements from `after` of the new one. */
export interface Hunk {
  readonly before: number;
  readonly removed: number;
  readonly after: number;
  readonly inserted: number;
}

/**
 * The hunks that turn `before` into `after`, in order and apart from each other (UDT-12). Equal head and tail are
 * trimmed. A middle of equal length is one hunk, to be compared element by element, unless a container in it was
 * moved. Any other middle is aligned on the elements that both sides have.
 */
export function arrayHunks(before: readonly Json[], after: readonly Json[]): Hunk[] {
  const middle = withoutEqualEnds(before, after, same);
  if (middle.removed === 0 && middle.inserted === 0) return [];
  if (middle.removed === 0 || middle.inserted === 0) return [middle];
  if (middle.removed === middle.inserted && !hasMoved(before, after, middle)) return [middle];
  return aligned(before, after, middle);
}

function withoutEqualEnds<Item>(
  before: readonly Item[],
  after: readonly Item[],
  same: (old: Item | undefined, now: Item | undefined) => boolean,
): Hunk {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && same(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shorter - head && same(before[before.length - 1 - tail], after[after.length - 1 - tail]))
    tail++;
  const trimmed = head + tail;
  return { before: head, removed: before.length - trimmed, after: head, inserted: after.length - trimmed };
}

function same(old: Json | undefined, now: Json | undefined): boolean {
  return old === now || (old !== undefined && now !== undefined && jsonEquals(old, now));
}

/** Whether a container of the middle, the very same one, is in another place now. Only views of one document share any. */
function hasMoved(before: readonly Json[], after: readonly Json[], middle: Hunk): boolean {
  const gone = new Set<Json>();
  for (let i = 0; i < middle.removed; i++) {
    const old = before[middle.before + i];
    if (typeof old === 'object' && old !== null && old !== after[middle.after + i]) gone.add(old);
  }
  if (gone.size === 0) return false;
  for (let i = 0; i < middle.inserted; i++) {
    const now = after[middle.after + i];
    if (now !== undefined && now !== before[middle.before + i] && gone.has(now)) return true;
  }
  return false;
}

function aligned(before: readonly Json[], after: readonly Json[], middle: Hunk): Hunk[] {
  const olds = before.slice(middle.before, middle.before + middle.removed);
  const nows = after.slice(middle.after, middle.after + middle.inserted);
  const numbering = new Numbering(olds, nows);
  const lefts = olds.map((item) => numbering.numberOf(item));
  const rights = nows.map((item) => numbering.numberOf(item));
  return hunksBetween(lefts, rights, middle);
}

/** The hunks that turn one row of things, of which the very same ones are in the other, into that other. */
export function identityHunks(before: readonly unknown[], after: readonly unknown[]): Hunk[] {
  const middle = withoutEqualEnds(before, after, (old, now) => old === now);
  if (middle.removed === 0 && middle.inserted === 0) return [];
  if (middle.removed === 0 || middle.inserted === 0) return [middle];
  const numbers = new Map<unknown, number>();
  const numberOf = (thing: unknown): number => {
    const number = numbers.get(thing) ?? numbers.size;
    numbers.set(thing, number);
    return number;
  };
  const lefts = before.slice(middle.before, middle.before + middle.removed).map(numberOf);
  const rights = after.slice(middle.after, middle.after + middle.inserted).map(numberOf);
  return hunksBetween(lefts, rights, middle);
}

function hunksBetween(lefts: readonly number[], rights: readonly number[], middle: Hunk): Hunk[] {
  const end = { left: lefts.length, right: rights.length };
  const hunks: Hunk[] = [];
  let left = 0;
  let right = 0;
  for (const pair of [...commonSubsequence(lefts, rights), end]) {
    const removed = pair.left - left;
    const inserted = pair.right - right;
    if (removed > 0 || inserted > 0)
      hunks.push({ before: middle.before + left, removed, after: middle.after + right, inserted });
    left = pair.left + 1;
    right = pair.right + 1;
  }
  return hunks;
}

/** Gives equal values equal numbers. Containers that both sides share are known by identity and not read. */
class Numbering {
  private readonly shared: ReadonlySet<Json>;
  private readonly known = new Map<Json, number>(); // plain values by value, containers by identity
  private readonly byHash = new Map<number, { value: Json; number: number }[]>();
  private readonly hasher = new UdtHasher();

  constructor(olds: readonly Json[], nows: readonly Json[]) {
    const known = new Set(olds);
    this.shared = new Set(nows.filter((item) => known.has(item)));
  }

  numberOf(value: Json): number {
    let number = this.known.get(value);
    if (number === undefined) {
      number = this.equalContainer(value) ?? this.known.size;
      this.known.set(value, number);
    }
    return number;
  }

  private equalContainer(value: Json): number | undefined {
    if (typeof value !== 'object' || value === null || this.shared.has(value)) return undefined;
    const hash = this.hasher.hash(value);
    const candidates = this.byHash.get(hash);
    const equal = candidates?.find((candidate) => jsonEquals(candidate.value, value));
    if (equal) return equal.number;
    const candidate = { value, number: this.known.size };
    if (!candidates) this.byHash.set(hash, [candidate]);
    else if (candidates.length < collisionsMax) candidates.push(candidate);
    return undefined;
  }
}

// Texts of equal hash are easy to make. Containers beyond this count as different, which costs exactness, not truth.
const collisionsMax = 16;
