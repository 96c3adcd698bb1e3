// Reads the records of one project's log, verified, in the order of their positions: for streams, for the document, and for
// other servers. The log has one.

import { RejoinError } from '../errors.ts';
import { changeAt, type Change } from './change.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import { decodeRecord, type LogRecord, type NeededParts } from './record.ts';
import { readRepeats, type Repeat } from './repeats.ts';
import type { Store } from './store.ts';

/** A record where it lies in the log. */
export interface StoredRecord {
  readonly position: number;
  readonly record: LogRecord;
  /** As it is stored. */
  readonly bytes: Uint8Array;
}

export class LogReader {
  constructor(
    private readonly store: Store,
    private readonly project: string,
    private readonly keys: ProjectKeys,
    /** Whether there are objects of which an earlier position has another record (REP-6). */
    public hasRepeats: boolean,
    /** Is called where something is missing or damaged. */
    private readonly onHole: () => void = () => undefined,
  ) {}

  /**
   * The changes at these positions, in their order.
   * @throws RejoinError `damaged` if one is missing or fails its checksum.
   */
  readAt(positions: readonly number[], needed: NeededParts = 'all'): Promise<Change[]> {
    return Promise.all(
      positions.map(async (position): Promise<Change> => {
        const value = await this.store.get(this.keys.record(position));
        if (!value) throw this.hole(`the change at position ${position} is missing`);
        const record = this.decode(position, value, needed);
        const repeat = (await this.repeatsIn(position, position))?.get(position);
        return changeAt(position, record, undefined, repeat);
      }),
    );
  }

  /**
   * The changes from one position to another, both included, in pages of bounded size.
   * @throws RejoinError `damaged` at the first change that is missing or fails its checksum.
   */
  async *read(first: number, last: number, needed: NeededParts = 'all'): AsyncGenerator<readonly Change[]> {
    for await (const page of this.readRecords(first, last, needed)) {
      const repeats = await this.repeatsIn(page[0]?.position ?? first, page.at(-1)?.position ?? last);
      yield page.map(({ position, record }) => changeAt(position, record, undefined, repeats?.get(position)));
    }
  }

  /** As `read`, with the bytes of the records as they are stored. */
  async *readRecords(
    first: number,
    last: number,
    needed: NeededParts = 'all',
  ): AsyncGenerator<readonly StoredRecord[]> {
    let expected = first;
    const seqnos = new Map<number, number>();
    for await (const page of this.store.scan(this.keys.records(first, last))) {
      yield page.map(({ key, value }) => {
        const position = readLastNumber(key);
        if (position !== expected) throw this.hole(`the change at position ${expected} is missing`);
        expected++;
        const record = this.decode(position, value, needed);
        // The key is not in the record's checksum: its number says whether it belongs here.
        const { serverId, seqno } = record;
        if ((seqnos.get(serverId) ?? seqno - 1) !== seqno - 1)
          throw this.hole(
            `the change at position ${position} is not [${serverId}, ${(seqnos.get(serverId) ?? 0) + 1}]`,
          );
        seqnos.set(serverId, seqno);
        return { position, record, bytes: value };
      });
    }
    if (expected <= last) throw this.hole(`the change at position ${expected} is missing`);
  }

  /** Null if the log has none at all. */
  private async repeatsIn(first: number, last: number): Promise<ReadonlyMap<number, Repeat> | null> {
    return this.hasRepeats ? readRepeats(this.store, this.keys, first, last) : null;
  }

  private decode(position: number, value: Uint8Array, needed: NeededParts): LogRecord {
    try {
      return decodeRecord(value, needed);
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      throw this.hole(`at position ${position}: ${error.message}`, error);
    }
  }

  private hole(problem: string, cause?: unknown): RejoinError {
    this.onHole();
    return new RejoinError('damaged', `Project ${JSON.stringify(this.project)} is damaged: ${problem}`, {
      cause,
    });
  }
}
