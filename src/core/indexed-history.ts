// Reads from the log of a project only what the index knows to match, so that a stream of one report doesn't go through the
// whole project. A SelectedFeed reads its history with it, in pages of bounded size.

import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { readLastNumber } from '../store/read-key.ts';
import { readPostings, type Run } from '../store/postings.ts';
import type { Change } from '../store/change.ts';
import { pageBytesMax, pageEntriesMax, type Store } from '../store/store.ts';
import type { LiveLog } from './live-log.ts';

/** What is looked for behind a position: objects of a kind that match, or changes of `udt`. */
export type Wanted = { readonly after: number } & (
  { readonly type: 'object'; readonly kind: ObjectKind; readonly match: Match } | { readonly type: 'udt' }
);

/** Changes in the order of the log; all that is wanted up to `readTo` is in them or was in pages before. */
export interface IndexedPage {
  readonly changes: readonly Change[];
  readonly readTo: number;
}

/** Until it is known how long records are, so many are read at a time. */
const firstCount = 16;
/**
 * So many are read before it is looked how large they are: a page may have many short records, and what follows them may be
 * long ones.
 */
const countAtOnce = 64;
/** What lies at most so far apart is read in one go, with what is between: every record that is read is verified. */
const gapMax = 2;
/** Fewer than that are read by themselves, all of them at once. */
const rangeMin = 8;

export class IndexedHistory {
  private readonly runs: Merged;
  private count = firstCount;
  /** Found, and not yet read. */
  private ahead: readonly number[] = [];

  /** Reads from behind one position to another, included. */
  constructor(
    private readonly log: LiveLog,
    store: Store,
    wanted: readonly Wanted[],
    readTo: number,
    private readonly last: number,
  ) {
    this.runs = new Merged(
      wanted.flatMap((one) => {
        const range = { first: Math.max(one.after, readTo) + 1, last };
        if (range.first > last) return [];
        return one.type === 'udt'
          ? udtRuns(store, log, range)
          : readPostings(store, log.keys, one.kind, one.match, range);
      }),
    );
  }

  /** @throws RejoinError `damaged` if a posting fails its seal, or a record. */
  async next(): Promise<IndexedPage> {
    if (this.ahead.length === 0) this.ahead = await this.runs.take(this.count);
    if (this.ahead.length === 0) return { changes: [], readTo: this.last };
    const changes: Change[] = [];
    let readTo = 0;
    let bytes = 0;
    while (this.ahead.length > 0 && bytes < pageBytesMax) {
      const positions = this.ahead.slice(0, countAtOnce);
      const read = await this.readAll(positions);
      bytes = read.reduce((sum, change) => sum + bytesOf(change), bytes);
      changes.push(...read);
      readTo = positions.at(-1) ?? readTo;
      this.ahead = this.ahead.slice(countAtOnce);
    }
    const fitting = Math.floor((pageBytesMax * changes.length) / (bytes + 1));
    this.count = Math.max(1, Math.min(pageEntriesMax, fitting));
    return { changes, readTo };
  }

  private async readAll(positions: readonly number[]): Promise<Change[]> {
    const { ranges, lone } = nearAndFar(positions);
    const changes = await this.log.readAt(lone, 'object');
    for (const range of ranges) changes.push(...(await this.readRange(range)));
    return changes.sort((one, other) => one.position - other.position);
  }

  private async readRange(positions: readonly number[]): Promise<Change[]> {
    const wanted = new Set(positions);
    const changes: Change[] = [];
    const pages = this.log.readStored(positions[0] ?? 0, positions.at(-1) ?? 0, 'object');
    for await (const page of pages)
      for (const change of page) if (wanted.has(change.position)) changes.push(change);
    return changes;
  }
}

/** Several ascending sequences of runs as one of positions. */
class Merged {
  private heads: { readonly rest: AsyncGenerator<Run>; run: Run }[] | null = null;

  constructor(private readonly sources: readonly AsyncGenerator<Run>[]) {}

  /** The next positions, each once, so many if there are as many. */
  async take(count: number): Promise<number[]> {
    this.heads ??= await started(this.sources);
    const positions: number[] = [];
    while (positions.length < count) {
      const first = Math.min(...this.heads.map(({ run }) => run.first));
      if (first === Infinity) break;
      positions.push(first);
      for (const head of [...this.heads]) if (head.run.first === first) await this.advance(head);
    }
    return positions;
  }

  private async advance(head: { readonly rest: AsyncGenerator<Run>; run: Run }): Promise<void> {
    const { first, last } = head.run;
    if (first < last) {
      head.run = { first: first + 1, last };
      return;
    }
    const next = await head.rest.next();
    if (next.done !== true) head.run = next.value;
    else this.heads = this.heads?.filter((other) => other !== head) ?? null;
  }
}

async function started(
  sources: readonly AsyncGenerator<Run>[],
): Promise<{ rest: AsyncGenerator<Run>; run: Run }[]> {
  const heads = await Promise.all(sources.map(async (rest) => ({ rest, next: await rest.next() })));
  return heads.flatMap(({ rest, next }) => (next.done === true ? [] : [{ rest, run: next.value }]));
}

/** No scan stays open between two reads. */
async function* udtRuns(store: Store, log: LiveLog, { first, last }: Run): AsyncGenerator<Run> {
  for (let from = first; ;) {
    const range = { ...log.keys.udtChanges(from, last), limit: pageEntriesMax };
    const found: number[] = [];
    for await (const page of store.scan(range)) for (const { key } of page) found.push(readLastNumber(key));
    for (const position of found) yield { first: position, last: position };
    if (found.length < pageEntriesMax) return;
    from = (found.at(-1) ?? last) + 1;
  }
}

function nearAndFar(positions: readonly number[]): { ranges: number[][]; lone: number[] } {
  const clusters: number[][] = [];
  for (const position of positions) {
    const cluster = clusters.at(-1);
    if (cluster && position - (cluster.at(-1) ?? 0) <= gapMax) cluster.push(position);
    else clusters.push([position]);
  }
  const ranges = clusters.filter(({ length }) => length >= rangeMin);
  return { ranges, lone: clusters.filter(({ length }) => length < rangeMin).flat() };
}

function bytesOf({ object, update }: Change): number {
  return (object?.length ?? 0) + (update?.length ?? 0);
}
