// A long common subsequence of two rows of numbers, found in bounded time: what stands once on either side is
// matched first, and small gaps between are matched exactly. Array hunks are what it leaves over.

/** Position `left` of the one row holds the same as position `right` of the other. */
export interface Pair {
  readonly left: number;
  readonly right: number;
}

/**
 * Pairs of equal numbers, rising on both sides. It need not be the longest such row: a gap where the product of the
 * lengths exceeds 40,000, and nothing is unique, is matched at its head and tail only.
 */
export function commonSubsequence(lefts: readonly number[], rights: readonly number[]): Pair[] {
  const pairs: Pair[] = [];
  let left = 0;
  let right = 0;
  for (const anchor of longestRising(uniquePairs(lefts, rights))) {
    matchGap(lefts, rights, { left, right, leftEnd: anchor.left, rightEnd: anchor.right }, pairs);
    pairs.push(anchor);
    left = anchor.left + 1;
    right = anchor.right + 1;
  }
  matchGap(lefts, rights, { left, right, leftEnd: lefts.length, rightEnd: rights.length }, pairs);
  return pairs;
}

interface Gap {
  readonly left: number;
  readonly right: number;
  readonly leftEnd: number;
  readonly rightEnd: number;
}

const exactProductMax = 40_000;

/** The numbers that occur exactly once on either side, in the order of the left. */
function uniquePairs(lefts: readonly number[], rights: readonly number[]): Pair[] {
  const places = placesOfUnique(rights);
  const pairs: Pair[] = [];
  for (const [number, left] of placesOfUnique(lefts)) {
    const right = places.get(number) ?? repeated;
    if (left !== repeated && right !== repeated) pairs.push({ left, right });
  }
  return pairs;
}

const repeated = -1;

function placesOfUnique(numbers: readonly number[]): Map<number, number> {
  const places = new Map<number, number>();
  numbers.forEach((number, index) => places.set(number, places.has(number) ? repeated : index));
  return places;
}

/** The longest choice of pairs that rises on the right too (patience sorting). */
function longestRising(pairs: readonly Pair[]): Pair[] {
  const ends: number[] = []; // ends[n]: the pair with the lowest right that a rising row of n + 1 pairs ends in
  const previous = new Int32Array(pairs.length);
  pairs.forEach((pair, index) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? -1]?.right ?? -1) < pair.right) low = middle + 1;
      else high = middle;
    }
    previous[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  });
  const chosen: Pair[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) {
    const pair = pairs[at];
    if (pair) chosen.push(pair);
  }
  return chosen.reverse();
}

function matchGap(lefts: readonly number[], rights: readonly number[], gap: Gap, pairs: Pair[]): void {
  let { left, right, leftEnd, rightEnd } = gap;
  while (left < leftEnd && right < rightEnd && lefts[left] === rights[right])
    pairs.push({ left: left++, right: right++ });
  const tail: Pair[] = [];
  while (leftEnd > left && rightEnd > right && lefts[leftEnd - 1] === rights[rightEnd - 1])
    tail.push({ left: --leftEnd, right: --rightEnd });
  if ((leftEnd - left) * (rightEnd - right) <= exactProductMax)
    matchExactly(lefts, rights, { left, right, leftEnd, rightEnd }, pairs);
  for (const pair of tail.reverse()) pairs.push(pair);
}

/** The textbook table: cell (row, column) is the length of the longest common subsequence from there to the end. */
function matchExactly(lefts: readonly number[], rights: readonly number[], gap: Gap, pairs: Pair[]): void {
  const rows = gap.leftEnd - gap.left;
  const columns = gap.rightEnd - gap.right;
  if (rows === 0 || columns === 0) return;
  const width = columns + 1;
  const lengths = new Uint16Array((rows + 1) * width);
  const lengthAt = (row: number, column: number) => lengths[row * width + column] ?? 0;
  const equalAt = (row: number, column: number) => lefts[gap.left + row] === rights[gap.right + column];
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      lengths[row * width + column] = equalAt(row, column)
        ? lengthAt(row + 1, column + 1) + 1
        : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1));
    }
  }
  for (let row = 0, column = 0; row < rows && column < columns;) {
    if (equalAt(row, column)) pairs.push({ left: gap.left + row++, right: gap.right + column++ });
    else if (lengthAt(row + 1, column) >= lengthAt(row, column + 1)) row++;
    else column++;
  }
}
