// Reads the log of a project for another server, record by record as they are stored: what that server lacks, whole groups in
// the order of this log, then what comes (REP-1, REP-2). Where updates were compacted away a snapshot stands for them (REP-7). A
// link pulls, so a slow one is simply behind.

import { RejoinError, hasCode } from '../errors.ts';
import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import { highestOf, type VersionVector } from '../model/version-vector.ts';
import type { StoredRecord } from '../store/log-reader.ts';
import type { LogRecord } from '../store/record.ts';
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

/** What the other server need not be given. */
export interface ThereAlready {
  readonly known: VersionVector;
  /** What it has beside that of a snapshot that was cut off: the next one goes on there if it is the same. */
  readonly kept: KeptSnapshot | null;
}

/** A snapshot that is being given. */
interface Transfer {
  readonly pieces: AsyncIterator<SnapshotPiece>;
  arePiecesGiven: boolean;
  /** What the other server says that it has kept. */
  readonly kept: KeptSnapshot | null;
  /** Which it is, once it was begun or gone on with. */
  of: Pick<SnapshotPiece, 'covers' | 'name'> | null;
  /** What is in the snapshot is in the log up to here: so far the records go with it. */
  until: number;
}

/** Where a reader is. */
interface Place {
  readonly position: number;
  readonly known: Map<number, number>;
}

/** So often in a row a read is begun again that the store has interrupted. */
const interruptionsMax = 3;

export class ReplicaReader {
  private known: Map<number, number>;
  private kept: KeptSnapshot | null;
  private stored: AsyncIterator<readonly StoredRecord[]> | null = null;
  /** Read, and not given yet. */
  private pending: readonly StoredRecord[] = [];
  private interruptions = 0;
  private isClosed = false;
  private readonly head = new HeadWait();
  private transfer: Transfer | null = null;
  /** All before it was given: a reader that is interrupted in a page, or in a snapshot, begins there again. */
  private given: Place;
  private fillings: number;

  private constructor(
    private readonly log: LiveLog,
    private readonly source: SnapshotSource,
    { known, kept }: ThereAlready,
    /** The last position that was given or left out. */
    private position: number,
    private readonly pageBytes: number,
    private readonly release: () => void,
  ) {
    this.known = new Map(known);
    this.kept = kept;
    this.given = this.place;
    this.fillings = log.fillings;
  }

  /**
   * @param pageBytes so long a page is, about.
   * @param release is called when the reader is closed.
   */
  static async open(
    log: LiveLog,
    source: SnapshotSource,
    there: ThereAlready,
    pageBytes: number,
    release: () => void,
  ): Promise<ReplicaReader> {
    await log.ready();
    return new ReplicaReader(log, source, there, await log.positionOf(there.known), pageBytes, release);
  }

  get isAtHead(): boolean {
    return (
      this.pending.length === 0 &&
      this.position >= this.log.shownPosition &&
      this.fillings === this.log.fillings
    );
  }

  /** The other server has these: they are left out. */
  knows(vector: VersionVector): void {
    for (const known of [this.known, this.given.known])
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
        if (!this.transfer) this.given = this.place;
        if (page) return page;
      } catch (error) {
        this.leave();
        const isInterrupted = hasCode(error, 'unavailable');
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
    const { records, part, isStripped } = await this.groups(Infinity);
    if (records.length === 0 && isStripped) return this.partOf(this.beginTransfer());
    if (records.length === 0) return null;
    return { records, isUnfinished: part !== null && (await this.goesOn(part)), vector: new Map(this.known) };
  }

  private beginTransfer(): Transfer {
    const pieces = this.source.pieces(this.position + 1, this.kept);
    this.given = this.place;
    const { kept } = this;
    this.kept = null; // what follows it, the other server doesn't say
    const until = this.log.shownPosition;
    return (this.transfer = { pieces, arePiecesGiven: false, kept, of: null, until });
  }

  /** First the pieces, then the records. */
  private async partOf(transfer: Transfer): Promise<ReplicaPage> {
    while (!transfer.arePiecesGiven) {
      const next = await transfer.pieces.next();
      transfer.arePiecesGiven = next.done === true;
      if (next.done === true) break;
      const { isFirst, piece } = next.value;
      if (isFirst || !transfer.of) this.enter(transfer, next.value);
      if (piece.length === 0 && !isFirst) continue; // all of them are kept there
      const snapshot = { ...next.value, isLast: false };
      return { records: [], isUnfinished: false, vector: new Map(this.given.known), snapshot };
    }
    const { of, until } = transfer;
    if (!of) throw new RejoinError('internal', 'A snapshot has no pieces');
    const { records } = await this.groups(until);
    const isLast = this.position >= until;
    if (isLast) this.transfer = null;
    const snapshot = { piece: new Uint8Array(), isFirst: false, isLast, ...of };
    const vector = new Map(isLast ? this.known : this.given.known); // before the last one nothing of it counts
    return { records, isUnfinished: false, vector, snapshot };
  }

  /** A snapshot is begun, or gone on with: then the records that the other server has kept with it don't come again. */
  private enter(transfer: Transfer, { isFirst, covers, name }: SnapshotPiece): void {
    transfer.of = { covers, name };
    // What a snapshot has more than it says was durable when it was whole.
    transfer.until = this.log.shownPosition;
    const kept = isFirst ? null : transfer.kept;
    this.known = highestOf(this.given.known, kept?.vector ?? new Map());
  }

  /**
   * Whole groups of about 256 KiB up to a position, without those that the other server has; also without their updates while a
   * snapshot is being given, else up to the first that hasn't got its update any more.
   * @returns also the last part of a session behind which nothing of its server follows.
   */
  private async groups(
    until: number,
  ): Promise<{ records: readonly Uint8Array[]; part: LogRecord | null; isStripped: boolean }> {
    const records: Uint8Array[] = [];
    let bytes = 0;
    let part: LogRecord | null = null;
    while (bytes < this.pageBytes && this.position < until) {
      const group = await this.nextGroup();
      const [first] = group ?? [];
      const end = group?.at(-1);
      if (!group || !first || !end) break;
      const { serverId, seqno } = end.record;
      const isKnown = seqno <= (this.known.get(serverId) ?? 0);
      if (!isKnown && !first.record.update && !this.transfer) return { records, part, isStripped: true };
      // What a page says of a session that goes on is said of one.
      const isOther = part !== null && part.serverId !== serverId && isPart(first.record);
      if (!isKnown && isOther && !this.transfer) return { records, part, isStripped: false };
      this.pending = this.pending.slice(group.length);
      this.position = end.position;
      if (isKnown) continue;
      if (isPart(first.record)) part = first.record;
      else if (part?.serverId === serverId) part = null;
      for (const { bytes: recordBytes } of group) {
        records.push(recordBytes);
        bytes += recordBytes.length;
      }
      this.known.set(serverId, seqno);
    }
    return { records, part, isStripped: false };
  }

  /** It stays pending. */
  private async nextGroup(): Promise<readonly StoredRecord[] | null> {
    const size = (): number => this.pending[0]?.record.groupSize ?? 1; // not known before the first is read
    while (this.pending.length < size()) if (!(await this.readOn())) return null;
    return this.pending.slice(0, size());
  }

  /** @returns whether there was more. */
  private async readOn(): Promise<boolean> {
    const readTo = this.pending.at(-1)?.position ?? this.position;
    if (readTo >= this.log.shownPosition) return false;
    this.stored ??= this.log.readRecords(readTo + 1, this.log.shownPosition)[Symbol.asyncIterator]();
    const next = await this.stored.next();
    if (next.done === true) {
      this.stored = null;
      return readTo < this.log.shownPosition;
    }
    this.pending = [...this.pending, ...next.value];
    return true;
  }

  /** Whether a session isn't complete with this part of it. Its `closing`, or what follows it, may not have come here yet. */
  private async goesOn({ kind, serverId, seqno }: LogRecord): Promise<boolean> {
    if (kind === 'slice') return true;
    const { log } = this;
    const isWhole = log.sessionServerId === serverId; // asked first: then what follows is here
    const head = log.shownVector.get(serverId) ?? 0;
    if (seqno >= head) return !isWhole;
    const isNext = ({ record }: StoredRecord): boolean =>
      record.serverId === serverId && record.seqno === seqno + 1;
    const next = this.pending.find(isNext)?.record ?? (await this.recordBehind(serverId, seqno));
    return next?.kind === 'slice' || next?.kind === 'closing';
  }

  private async recordBehind(
    serverId: number,
    seqno: number,
  ): Promise<{ readonly kind: string } | undefined> {
    const { log } = this;
    const position = await log.positionOf(new Map(log.shownVector).set(serverId, seqno));
    const [next] = await log.readAt([position + 1], 'object');
    return next;
  }

  private get place(): Place {
    return { position: this.position, known: new Map(this.known) };
  }

  /** Before the reader's position there are changes by now that weren't there when it passed. */
  private goBackToFilled(): void {
    if (this.fillings === this.log.fillings) return;
    this.leave();
    this.fillings = this.log.fillings;
    this.position = Math.min(this.position, this.log.filledFrom - 1);
    this.given = this.place;
  }

  private leave(): void {
    void this.stored?.return?.();
    this.stored = null;
    this.pending = [];
    void this.transfer?.pieces.return?.();
    this.transfer = null;
    const { position, known } = this.given;
    this.position = position;
    this.known = new Map(known);
  }
}

function isPart({ kind }: LogRecord): boolean {
  return kind === 'session' || kind === 'slice';
}
