// What a log wants back, as it shrinks: changes by their numbers, and positions of which nobody knows what was at them. The
// repair of a project works on it, between reading the quarantine and writing it again.

import type { MissingChange } from './quarantine.ts';

/** Seqnos of one server that follow each other, both ends included. */
export interface SeqnoRange {
  readonly serverId: number;
  readonly first: number;
  readonly last: number;
}

export class MissingChanges {
  /** Server id → seqno → position, 0 if nobody knows it. */
  private readonly numbers = new Map<number, Map<number, number>>();
  /** Positions of which nobody knows what was at them, rising. */
  private readonly free: number[];
  private readonly highest = new Map<number, number>();
  /** How often something was changed. */
  edits = 0;

  constructor(list: readonly MissingChange[]) {
    for (const { serverId, seqno, position } of list) {
      if (serverId === 0) continue;
      this.ofServer(serverId).set(seqno, position);
      this.highest.set(serverId, Math.max(seqno, this.highestOf(serverId)));
    }
    const free = list.filter(({ serverId }) => serverId === 0).map(({ position }) => position);
    this.free = [...new Set(free)].sort((a, b) => a - b);
  }

  /** How many changes are known to be missing by their numbers. */
  get numbered(): number {
    return [...this.numbers.values()].reduce((sum, seqnos) => sum + seqnos.size, 0);
  }

  /** How many places are empty, or changes have none. */
  get count(): number {
    return this.numbered + this.free.length;
  }

  get freePositions(): readonly number[] {
    return this.free;
  }

  /** Its position, 0 if nobody knows it; undefined if the change isn't missing. */
  positionOf(serverId: number, seqno: number): number | undefined {
    return this.numbers.get(serverId)?.get(seqno);
  }

  /**
   * The free position at which a change belongs whose own nobody knows: those of one server lie in the order of their numbers,
   * so as many places are left before it as changes are missing there.
   * @param skipped how many are missing between it and the last one before it that has a place.
   * @param after the position of that one.
   * @param before that of the next one; Infinity if there is none.
   */
  freePosition(skipped: number, after: number, before: number): number | undefined {
    const position = this.free[this.indexBehind(after) + skipped];
    return position !== undefined && position < before ? position : undefined;
  }

  /** How many free positions there are between two, both excluded. */
  freeBetween(after: number, before: number): number {
    return Math.max(0, this.indexBehind(before - 1) - this.indexBehind(after));
  }

  /** The highest seqno of a server that was missing to begin with. */
  highestOf(serverId: number): number {
    return this.highest.get(serverId) ?? 0;
  }

  /** The change isn't missing any more; it is at this position. */
  found(serverId: number, seqno: number, position: number): void {
    const seqnos = this.numbers.get(serverId);
    if (seqnos?.delete(seqno)) this.edits++;
    if (seqnos?.size === 0) this.numbers.delete(serverId);
    this.filled(position);
  }

  /** The change is at this position, and something of it is missing still. */
  placed(serverId: number, seqno: number, position: number): void {
    const seqnos = this.ofServer(serverId);
    if (seqnos.get(seqno) !== position) this.edits++;
    seqnos.set(seqno, position);
    this.filled(position);
  }

  /** Something is at the position. */
  filled(position: number): void {
    const at = this.indexBehind(position - 1);
    if (this.free[at] !== position) return;
    this.free.splice(at, 1);
    this.edits++;
  }

  /** What can be asked for, in the order of the numbers. */
  ranges(): SeqnoRange[] {
    const ranges: { serverId: number; first: number; last: number }[] = [];
    for (const [serverId, seqnos] of [...this.numbers].sort(([a], [b]) => a - b))
      for (const seqno of [...seqnos.keys()].sort((a, b) => a - b)) {
        const range = ranges.at(-1);
        if (range?.serverId === serverId && range.last === seqno - 1) range.last = seqno;
        else ranges.push({ serverId, first: seqno, last: seqno });
      }
    return ranges;
  }

  list(): MissingChange[] {
    const numbered = [...this.numbers].flatMap(([serverId, seqnos]) =>
      [...seqnos].map(([seqno, position]) => ({ serverId, seqno, position })),
    );
    return [...numbered, ...this.free.map((position) => ({ serverId: 0, seqno: 0, position }))];
  }

  private ofServer(serverId: number): Map<number, number> {
    const seqnos = this.numbers.get(serverId) ?? new Map<number, number>();
    this.numbers.set(serverId, seqnos);
    return seqnos;
  }

  /** Of the first free position behind one. */
  private indexBehind(position: number): number {
    let [low, high] = [0, this.free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.free[middle] ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
