// What the world outside the servers knows: which writes were acknowledged, and what was found wrong. Each write carries a mark that no
// other has, in its object or its update, so that it is known wherever it turns up.

export const wires = ['ws', 'rest', 'client', 'udt', 'udt-v2', 'yjs'] as const;
export type Wire = (typeof wires)[number];

export interface Acknowledged {
  readonly project: string;
  readonly wire: Wire;
  /** Whether it is an object, which streams show, or only a part of the document. */
  readonly isObject: boolean;
}

const problemsMax = 20;

export class Ledger {
  /** What must never be, and was. */
  readonly problems: string[] = [];
  /** Mark → the write. */
  readonly acknowledged = new Map<string, Acknowledged>();
  private readonly counts = new Map<Wire, number>();

  fail(problem: string): void {
    if (this.problems.length < problemsMax) this.problems.push(problem);
  }

  acknowledge(mark: string, write: Acknowledged): void {
    if (this.acknowledged.has(mark)) return;
    this.acknowledged.set(mark, write);
    this.counts.set(write.wire, this.count(write.wire) + 1);
  }

  count(wire: Wire): number {
    return this.counts.get(wire) ?? 0;
  }
}

/** @param name small letters and a number, which no other writer of the round has. */
export function markOf(name: string, count: number): string {
  return `!${name}x${count}!`;
}

/** All marks in a text: JSON, or the bytes of an update as latin1. */
export function marksIn(text: string): string[] {
  return text.match(/![a-z]+\d+x\d+!/g) ?? [];
}
