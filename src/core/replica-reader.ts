// Reads the log of a project for another server, record by record as they are stored: what that server lacks, whole groups in
// the order of this log, then what comes (REP-1, REP-2). A link pulls, so a slow one is simply behind.

import { RejoinError } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { StoredRecord } from '../store/project-log.ts';
import type { LiveLog } from './live-log.ts';

export interface ReplicaPage {
  /** Of whole groups. */
  readonly records: readonly Uint8Array[];
  /** Whether a session that was made in slices goes on behind them. */
  readonly isUnfinished: boolean;
  /** What the other server has after these. */
  readonly vector: VersionVector;
}

/** So often in a row a read is begun again that the store has interrupted. */
const interruptionsMax = 3;
const pageBytesMax = 256 * 1024;

export class ReplicaReader {
  private readonly known: Map<number, number>;
  private stored: AsyncIterator<readonly StoredRecord[]> | null = null;
  /** Read, and not given yet. */
  private pending: readonly StoredRecord[] = [];
  private interruptions = 0;
  private isClosed = false;
  private wake: (() => void) | null = null;

  private constructor(
    private readonly log: LiveLog,
    known: VersionVector,
    /** The last position that was given or left out. */
    private position: number,
    private readonly release: () => void,
  ) {
    this.known = new Map(known);
  }

  /** @param release is called when the reader is closed. */
  static async open(log: LiveLog, known: VersionVector, release: () => void): Promise<ReplicaReader> {
    await log.ready();
    return new ReplicaReader(log, known, await log.positionOf(known), release);
  }

  get isAtHead(): boolean {
    return this.pending.length === 0 && this.position >= this.log.durablePosition;
  }

  /** The other server has these: they are left out. */
  knows(vector: VersionVector): void {
    for (const [serverId, seqno] of vector)
      if (seqno > (this.known.get(serverId) ?? 0)) this.known.set(serverId, seqno);
  }

  /**
   * What the other server lacks next, once there is any; null after `close`.
   * @throws RejoinError `deleted`, `damaged`; `unavailable` where the update of a change was compacted away.
   */
  async next(): Promise<ReplicaPage | null> {
    for (;;) {
      if (this.isClosed) return null;
      await this.log.ready();
      if (this.isAtHead) {
        await this.moved();
        continue;
      }
      try {
        const page = await this.page();
        this.interruptions = 0;
        if (page) return page;
      } catch (error) {
        this.leave();
        const isInterrupted = error instanceof RejoinError && error.code === 'unavailable';
        if (!isInterrupted || ++this.interruptions > interruptionsMax) throw error;
      }
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.leave();
    this.wake?.();
    this.release();
  }

  /** Whole groups of about 256 KiB, without those that the other server has; null if none was left. */
  private async page(): Promise<ReplicaPage | null> {
    const records: Uint8Array[] = [];
    let bytes = 0;
    let last: StoredRecord | null = null;
    while (bytes < pageBytesMax) {
      const group = await this.nextGroup();
      if (!group) break;
      const [first] = group;
      const end = group.at(-1);
      if (!first || !end) break;
      this.position = end.position;
      last = end;
      if (end.record.seqno <= (this.known.get(end.record.serverId) ?? 0)) continue;
      for (const { bytes: recordBytes } of group) {
        records.push(recordBytes);
        bytes += recordBytes.length;
      }
      this.known.set(end.record.serverId, end.record.seqno);
    }
    if (records.length === 0) return null;
    return { records, isUnfinished: last !== null && (await this.goesOn(last)), vector: new Map(this.known) };
  }

  private async nextGroup(): Promise<readonly StoredRecord[] | null> {
    const [first] = this.pending;
    const size = first ? first.record.groupSize - first.record.groupIndex : 1;
    while (this.pending.length < size || this.pending.length === 0) {
      if (!(await this.readOn())) return null;
      const { groupSize = 1 } = this.pending[0]?.record ?? {};
      if (this.pending.length >= groupSize) break;
    }
    const group = this.pending.slice(0, this.pending[0]?.record.groupSize ?? 1);
    this.pending = this.pending.slice(group.length);
    const [head] = group;
    if (head && !head.record.update)
      throw new RejoinError(
        'damaged',
        `The update of the change at position ${head.position} was compacted away, and can't be given to another server`,
      );
    return group;
  }

  /** @returns whether there was more. */
  private async readOn(): Promise<boolean> {
    const readTo = this.pending.at(-1)?.position ?? this.position;
    if (readTo >= this.log.durablePosition) return false;
    this.stored ??= this.log.readRecords(readTo + 1, this.log.durablePosition)[Symbol.asyncIterator]();
    const next = await this.stored.next();
    if (next.done === true) {
      this.stored = null;
      return readTo < this.log.durablePosition;
    }
    this.pending = [...this.pending, ...next.value];
    return true;
  }

  /** Whether a session that was made in slices isn't complete with this record. */
  private async goesOn({ position, record }: StoredRecord): Promise<boolean> {
    if (record.kind !== 'session' && record.kind !== 'slice') return false;
    if (this.pending.length === 0) await this.readOn();
    const next = this.pending.find((stored) => stored.position === position + 1);
    return next?.record.kind === 'slice' || next?.record.kind === 'closing';
  }

  private leave(): void {
    void this.stored?.return?.();
    this.stored = null;
    this.pending = [];
  }

  private async moved(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.isClosed) {
        resolve();
        return;
      } // while it was found that there is nothing
      const stop = this.log.onMoved(resolve);
      this.wake = () => {
        stop();
        resolve();
      };
    });
    this.wake = null;
  }
}
