// The changes of one log that are lost or damaged, with whatever is left to know them by: their positions, and the numbers
// that the index still has. A verification collects them.

import type { Finding } from './findings.ts';
import type { MissingChange } from './quarantine.ts';

interface Lost {
  serverId: number;
  seqno: number;
  readonly position: number;
  readonly problem: string;
}

/** So many are remembered one by one; the rest is counted. */
const lostMax = 100_000;

export class LostChanges {
  private readonly byPosition = new Map<number, Lost>();
  /** Whose position nobody knows. */
  private readonly unplaced: Lost[] = [];
  /** Of these only the updates are lost: they were dropped for a snapshot that is lost. */
  private readonly withoutUpdate = new Map<number, MissingChange>();
  private uncounted = 0;

  get count(): number {
    return this.byPosition.size + this.unplaced.length + this.withoutUpdate.size + this.uncounted;
  }

  /** How many changes these are: one of which the record and the index are lost is a position here and a number there. */
  get changes(): number {
    const placed = [...this.byPosition.values()];
    const nameless = placed.filter(({ serverId }) => serverId === 0).length;
    return this.count - Math.min(nameless, this.unplaced.length);
  }

  /** Positions from one to another, both included. */
  addPositions(first: number, last: number, problem: string): void {
    for (let position = first; position <= last; position++) {
      if (this.count >= lostMax) {
        this.uncounted += last - position + 1;
        return;
      }
      if (!this.byPosition.has(position))
        this.byPosition.set(position, { serverId: 0, seqno: 0, position, problem });
    }
  }

  /** The index says what was at a position. */
  identify(position: number, serverId: number, seqno: number): void {
    const lost = this.byPosition.get(position);
    if (lost) Object.assign(lost, { serverId, seqno });
  }

  /** Numbers from one to another, both included, that no record and no place in the index has. */
  addNumbers(serverId: number, first: number, last: number): void {
    for (let seqno = first; seqno <= last; seqno++) {
      if (this.count >= lostMax) {
        this.uncounted += last - seqno + 1;
        return;
      }
      this.unplaced.push({ serverId, seqno, position: 0, problem: 'is missing' });
    }
  }

  /** The change is here without its update. It makes no finding of its own. */
  addUpdate(change: MissingChange): void {
    if (this.count >= lostMax) this.uncounted++;
    else this.withoutUpdate.set(change.position, change);
  }

  /** Whether the change at a position is here, and only its update is lost. */
  isWithoutUpdate(position: number): boolean {
    return this.withoutUpdate.has(position);
  }

  /** What is missing, one by one. */
  list(): MissingChange[] {
    const changes = [...this.byPosition.values(), ...this.unplaced, ...this.withoutUpdate.values()];
    return changes.map(({ serverId, seqno, position }) => ({ serverId, seqno, position }));
  }

  /** One for each row of changes that lie next to each other. */
  findings(project: string): Finding[] {
    const rows: Lost[][] = [];
    const placed = [...this.byPosition.values()].sort((a, b) => a.position - b.position);
    for (const lost of [...placed, ...this.unplaced]) {
      const row = rows.at(-1);
      if (row && isNext(row.at(-1), lost)) row.push(lost);
      else rows.push([lost]);
    }
    const findings = rows.flatMap((row) => findingOf(project, row));
    if (this.uncounted === 0) return findings;
    const problem = `${this.uncounted} more changes are missing`;
    return [...findings, { project, position: null, numbers: null, problem, remedy: 'peer' }];
  }
}

function isNext(before: Lost | undefined, { serverId, seqno, position, problem }: Lost): boolean {
  if (before?.problem !== problem || before.serverId !== serverId) return false;
  if (serverId !== 0 && before.seqno !== seqno - 1) return false;
  return position === 0 ? before.position === 0 : before.position === position - 1;
}

function findingOf(project: string, row: readonly Lost[]): Finding[] {
  const [first] = row;
  const last = row.at(-1);
  if (!first || !last) return [];
  const { serverId, position, problem } = first;
  const changes = row.length === 1 ? 'the change' : `${row.length} changes from here on: each`;
  return [
    {
      project,
      position: position === 0 ? null : position,
      numbers: serverId === 0 ? null : { serverId, first: first.seqno, last: last.seqno },
      problem: `${changes} ${problem}`,
      remedy: 'peer',
    },
  ];
}
