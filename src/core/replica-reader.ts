// Reads the log of a project for another server, record by record as they are stored: what that server lacks, whole groups in
// the order of this log, then what comes (REP-1, REP-2). Where updates were compacted away a snapshot stands for them (REP-7). A
// link pulls, so a slow one is simply behind.

import { RejoinError } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { StoredRecord } from '../store/log-reader.ts';
import { HeadWait } from './head-wait.ts';
import type { LiveLog } from './live-log.ts';
import type { SnapshotPiece, SnapshotSource } from './snapshot-source.ts';

export interface ReplicaPage {
  /** Of whole groups. */
  readonly records: readonly Uint8Array[];
  /** Whether a session that was made in slices goes on behind them. */
  readonly isUnfinished: boolean;
  /** What the other server has after these. */
  readonly vector: VersionVector;
  /** If it is a part of a snapshot, or of the records that go with one: they count when all of it is there (REP-7). */
  readonly snapshot?: PartOfSnapshot;
}

export interface PartOfSnapshot extends SnapshotPiece {
  /** With this one all of it is there. */
  readonly isLast: boolean;
}

/** A snapshot that is being given. */
interface Transfer {
  readonly pieces: AsyncIterator<SnapshotPiece>;
  arePiecesGiven: boolean;
  covers: VersionVector;
  /** What is in the snapshot is in the log up to here: so far the records go with it. */
  until: number;
  /** Where the reader was before: if it is interrupted, it begins there again. */
  readonly position: number;
  readonly known: Map<number, number>;
}

/** So often in a row a read is begun again that the store has interrupted. */
const interruptionsMax = 3;

export class ReplicaReader {
  private known: Map<number, number>;
  private stored: AsyncIterator<readonly StoredRecord[]> | null = null;
  /** Read, and not given yet. */
  private pending: readonly StoredRecord[] = [];
  private interruptions = 0;
  private isClosed = false;
  private readonly head = new HeadWait();
  private transfer: Transfer | null = null;
  private fillings: number;

  private constructor(
    private readonly log: LiveLog,
    private readonly source: SnapshotSource,
    known: VersionVector,
    /** The last position that was given or left out. */
    private position: number,
    private readonly pageBytes: number,
    private readonly release: () => void,
  ) {
    this.known = new Map(known);
    this.fillings = log.fillings;
  }

  /**
   * @param pageBytes so long a page is, about.
   * @param release is called when the reader is closed.
   */
  static async open(
    log: LiveLog,
    source: SnapshotSource,
    known: VersionVector,
    pageBytes: number,
    release: () => void,
  ): Promise<ReplicaReader> {
    await log.ready();
    return new ReplicaReader(log, source, known, await log.positionOf(known), pageBytes, release);
  }

  get isAtHead(): boolean {
    return (
      this.pending.length === 0 &&
      this.position >= this.log.durablePosition &&
      this.fillings === this.log.fillings
    );
  }

  /** The other server has these: they are left out. */
  knows(vector: VersionVector): void {
    for (const known of this.transfer ? [this.known, this.transfer.known] : [this.known])
      for (const [serverId, seqno] of vector)
        if (seqno > (known.get(serverId) ?? 0)) known.set(serverId, seqno);
  }

  /**
   * What the other server lacks next, once there is any; null after `close`.
   * @throws RejoinError `deleted`; `unavailable`; `damaged`, also where an update was compacted away and no snapshot can be read.
   */
  async next(): Promise<ReplicaPage | null> {
    for (;;) {
      if (this.isClosed) return null;
      await this.log.ready();
      this.goBackToFilled();
      if (this.isAtHead) {
        await this.head.moved(this.log);
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
    this.head.end();
    this.release();
  }

  /** About 256 KiB; null if nothing was left that the other server hasn't got. */
  private async page(): Promise<ReplicaPage | null> {
    const { transfer } = this;
    if (transfer) return this.partOf(transfer);
    const { records, last, isStripped } = await this.groups(Infinity);
    if (records.length === 0 && isStripped) return this.partOf(this.beginTransfer());
    if (records.length === 0) return null;
    return { records, isUnfinished: last !== null && (await this.goesOn(last)), vector: new Map(this.known) };
  }

  private beginTransfer(): Transfer {
    const pieces = this.source.pieces(this.position + 1);
    const { position, known } = this;
    this.known = new Map(known);
    return (this.transfer = {
      pieces,
      arePiecesGiven: false,
      covers: new Map(),
      until: this.log.durablePosition,
      position,
      known,
    });
  }

  /** First the pieces, then the records. */
  private async partOf(transfer: Transfer): Promise<ReplicaPage> {
    if (!transfer.arePiecesGiven) {
      const next = await transfer.pieces.next();
      if (next.done !== true) {
        const { isFirst, covers } = next.value;
        transfer.covers = covers;
        // What a snapshot has more than it says was durable when it was whole.
        if (isFirst) transfer.until = this.log.durablePosition;
        const snapshot = { ...next.value, isLast: false };
        return { records: [], isUnfinished: false, vector: new Map(transfer.known), snapshot };
      }
      transfer.arePiecesGiven = true;
    }
    const { covers, until } = transfer;
    const { records } = await this.groups(until);
    const isLast = this.position >= until;
    if (isLast) this.transfer = null;
    const snapshot = { piece: new Uint8Array(), isFirst: false, isLast, covers };
    const vector = new Map(isLast ? this.known : transfer.known); // before the last one nothing of it counts
    return { records, isUnfinished: false, vector, snapshot };
  }

  /**
   * Whole groups of about 256 KiB up to a position, without those that the other server has; also without their updates while a
   * snapshot is being given, else up to the first that hasn't got its update any more.
   */
  private async groups(
    until: number,
  ): Promise<{ records: readonly Uint8Array[]; last: StoredRecord | null; isStripped: boolean }> {
    const records: Uint8Array[] = [];
    let bytes = 0;
    let last: StoredRecord | null = null;
    while (bytes < this.pageBytes && this.position < until) {
      const group = await this.nextGroup();
      const [first] = group ?? [];
      const end = group?.at(-1);
      if (!group || !first || !end) break;
      const { serverId, seqno } = end.record;
      const isKnown = seqno <= (this.known.get(serverId) ?? 0);
      if (!isKnown && !first.record.update && !this.transfer) return { records, last, isStripped: true };
      this.pending = this.pending.slice(group.length);
      this.position = end.position;
      last = end;
      if (isKnown) continue;
      for (const { bytes: recordBytes } of group) {
        records.push(recordBytes);
        bytes += recordBytes.length;
      }
      this.known.set(serverId, seqno);
    }
    return { records, last, isStripped: false };
  }

  /** It stays pending. */
  private async nextGroup(): Promise<readonly StoredRecord[] | null> {
    const [first] = this.pending;
    const size = first ? first.record.groupSize - first.record.groupIndex : 1;
    while (this.pending.length < size || this.pending.length === 0) {
      if (!(await this.readOn())) return null;
      const { groupSize = 1 } = this.pending[0]?.record ?? {};
      if (this.pending.length >= groupSize) break;
    }
    return this.pending.slice(0, this.pending[0]?.record.groupSize ?? 1);
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

  /** Before the reader's position there are changes by now that weren't there when it passed. */
  private goBackToFilled(): void {
    if (this.fillings === this.log.fillings) return;
    this.leave();
    this.fillings = this.log.fillings;
    this.position = Math.min(this.position, this.log.filledFrom - 1);
  }

  private leave(): void {
    void this.stored?.return?.();
    this.stored = null;
    this.pending = [];
    const { transfer } = this;
    if (!transfer) return;
    void transfer.pieces.return?.();
    this.position = transfer.position;
    this.known = transfer.known;
    this.transfer = null;
  }
}
