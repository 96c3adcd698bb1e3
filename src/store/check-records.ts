// Checks the records of one project's log as they come by, and that the indices of numbers and of uuids lead to them. A part
// of the check of a project.

import { hasCode, messageOf } from '../errors.ts';
import { seal } from './digest.ts';
import { nameOfKey, number } from './key-parts.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber, readSequenceKey } from './read-key.ts';
import type { LostChanges } from './lost-changes.ts';
import { objectPlaceOf } from './object-place.ts';
import type { MissingChange } from './quarantine.ts';
import { readPlace } from './read-place.ts';
import { decodeRecord, decodeRecordOrNull, type LogRecord } from './record.ts';
import type { Entry, Store, Write } from './store.ts';

/** What is wrong and can be written anew. */
export interface Mend {
  readonly position: number | null;
  readonly problem: string;
  readonly writes: () => Promise<readonly Write[]>;
}

interface Placed {
  readonly position: number;
  readonly record: LogRecord;
}

/** Of more the numbers aren't remembered; their positions are. */
const behindMax = 100_000;

export class RecordCheck {
  /** The last position that has a record, be it damaged. */
  lastPosition = 0;
  /** The last position that the index of numbers leads to: its record may be lost. */
  lastPlace = 0;
  /** Up to here updates were dropped: only a snapshot has what they say. */
  compactedTo = 0;
  private readonly pending: Placed[] = [];
  private previous: Placed | null = null;
  /** What the index has behind the last record. */
  private readonly behind: MissingChange[] = [];
  /** Server id → the seqno that comes next in the index. */
  private readonly nextSeqno = new Map<number, number>();
  /** Places in the index that are to be mended: they count as there. */
  private readonly mended = new Map<string, number>();

  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    private readonly lost: LostChanges,
    private readonly onMend: (mend: Mend) => void,
    private readonly onBroken: (position: number, problem: string) => void,
  ) {}

  /** Whether there are records whose places were not looked up yet. */
  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  /** A record, in the order of positions. */
  takeRecord({ key, value }: Entry): void {
    const position = readLastNumber(key);
    if (position > this.lastPosition + 1)
      this.lost.addPositions(this.lastPosition + 1, position - 1, 'is missing');
    this.lastPosition = position;
    try {
      const record = decodeRecord(value);
      this.checkGroup({ position, record });
      this.pending.push({ position, record });
      if (record.groupIndex === 0 && !record.update) this.compactedTo = position;
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      this.previous = null;
      this.lost.addPositions(position, position, `is damaged: ${messageOf(error)}`);
    }
  }

  /** An entry of the index of numbers, in the order of server ids and seqnos. */
  takeSequence({ key, value }: Entry): void {
    const { serverId, seqno } = readSequenceKey(key);
    this.expect(serverId, seqno);
    this.nextSeqno.set(serverId, seqno + 1);
    const position = readPlace(key, value);
    if (position === null) return; // found, and mended, from its record; without that nobody needs it
    this.lost.identify(position, serverId, seqno);
    this.lastPlace = Math.max(this.lastPlace, position);
    if (position > this.lastPosition && this.behind.length < behindMax)
      this.behind.push({ position, serverId, seqno });
  }

  /** The positions behind the last record were found to be lost: what the index knows of them is told. */
  identifyBehind(): void {
    for (const { position, serverId, seqno } of this.behind) this.lost.identify(position, serverId, seqno);
  }

  /** All numbers up to this one have been given. */
  expectUpTo(serverId: number, seqno: number): void {
    this.expect(serverId, seqno + 1);
    this.nextSeqno.set(serverId, Math.max(seqno + 1, this.nextSeqno.get(serverId) ?? 1));
  }

  /** The highest number in the index. */
  headOf(serverId: number): number {
    return (this.nextSeqno.get(serverId) ?? 1) - 1;
  }

  /** Looks up what the records so far are found by. Between two pages, so that a log of any length takes little memory. */
  async checkPlaces(): Promise<void> {
    const placed = this.pending.splice(0);
    const looked = await Promise.all(
      placed.map(async ({ position, record }) => {
        const sequenceKey = this.keys.sequence(record.serverId, record.seqno);
        const uuidKey = objectPlaceOf(this.keys, record)?.key;
        const [sequence, uuid] = await Promise.all([
          this.store.get(sequenceKey),
          uuidKey ? this.store.get(uuidKey) : undefined,
        ]);
        return { position, sequenceKey, sequence, uuidKey, uuid };
      }),
    );
    for (const { position, sequenceKey, sequence, uuidKey, uuid } of looked) {
      if (this.placeIn(sequenceKey, sequence) !== position) this.mendPlace(sequenceKey, position, 'number');
      if (!uuidKey) continue;
      // The first record of a uuid stands for all (REP-6).
      const found = this.placeIn(uuidKey, uuid);
      if (found === null || found > position) this.mendPlace(uuidKey, position, 'uuid');
    }
  }

  /** The last group must be whole. */
  end(): void {
    const { previous } = this;
    if (previous && previous.record.groupIndex + 1 < previous.record.groupSize)
      this.onBroken(previous.position, 'the last group ends too early');
  }

  private checkGroup(placed: Placed): void {
    const { previous } = this;
    const { groupIndex } = placed.record;
    this.previous = placed;
    if (previous?.position !== placed.position - 1) return; // what is before it is lost
    const { groupIndex: before, groupSize, serverId } = previous.record;
    const expected = before + 1 < groupSize ? before + 1 : 0;
    if (groupIndex !== expected || (expected > 0 && placed.record.serverId !== serverId))
      this.onBroken(placed.position, `the change is no. ${groupIndex} of its group, and not no. ${expected}`);
  }

  private expect(serverId: number, seqno: number): void {
    const next = this.nextSeqno.get(serverId) ?? 1;
    for (let first = next; first < seqno; first++) {
      if (this.mended.has(nameOfKey(this.keys.sequence(serverId, first)))) continue;
      let last = first;
      while (last + 1 < seqno && !this.mended.has(nameOfKey(this.keys.sequence(serverId, last + 1)))) last++;
      this.lost.addNumbers(serverId, first, last);
      first = last;
    }
  }

  private placeIn(key: Uint8Array, value: Uint8Array | undefined): number | null {
    const mended = this.mended.get(nameOfKey(key));
    if (mended !== undefined) return mended;
    return value ? readPlace(key, value) : null;
  }

  private mendPlace(key: Uint8Array, position: number, what: 'number' | 'uuid'): void {
    this.mended.set(nameOfKey(key), position);
    const writes = [{ key, value: seal(key, number(position)) }];
    const problem = `the index does not lead to the ${what} of the change`;
    this.onMend({
      position,
      problem,
      writes: async () => ((await this.isStillAt(key, position)) ? writes : []),
    });
  }

  /** A loss may have been accepted since the log was read: then the record has another number. */
  private async isStillAt(key: Uint8Array, position: number): Promise<boolean> {
    const stored = await this.store.get(this.keys.record(position));
    const record = stored && decodeRecordOrNull(stored);
    if (!record) return false;
    const places = [this.keys.sequence(record.serverId, record.seqno), objectPlaceOf(this.keys, record)?.key];
    return places.some((place) => place && Buffer.compare(place, key) === 0);
  }
}
