// What is written to put lost records back into a log: each at its own position, with all that leads to it, as if it had never
// been lost. The repair of a project makes one for each answer of another server.

import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { matchesOf } from '../model/matches.ts';
import { isObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { seal } from '../store/digest.ts';
import { number } from '../store/key-parts.ts';
import type { ProjectKeys } from '../store/keys.ts';
import { GroupPostings } from '../store/postings.ts';
import { readPlace } from '../store/read-place.ts';
import type { ReceivedRecord } from '../store/received-groups.ts';
import { decodeRecordOrNull, type LogRecord } from '../store/record.ts';
import { readRepeats, writeRepeat, type Repeat } from '../store/repeats.ts';
import type { Store, Write } from '../store/store.ts';
import { isUdtChange, readUdtChange, writeUdtChange } from '../store/udt-changes.ts';
import { repeatOf, type ReceivedObject } from './received-objects.ts';

export class RepairBatch {
  private readonly collected: Write[] = [];
  /** What is put back, by position. */
  readonly records = new Map<number, LogRecord>();
  private readonly objectsAt = new Map<number, ReceivedObject>();
  private readonly repeats = new Map<number, Repeat>();
  /** Where the first record of a uuid is, of those that this batch writes. */
  private readonly firsts = new Map<string, number>();
  /** Reports, topics and users of what is put back. */
  readonly matches: Match[] = [];

  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    /** The objects among the records that came. */
    private readonly received: ReadonlyMap<ReceivedRecord, ReceivedObject>,
  ) {}

  get size(): number {
    return this.records.size;
  }

  /** Whether some of what is put back is a repeat, or makes one of what was there (REP-6). */
  get hasRepeats(): boolean {
    return this.repeats.size > 0;
  }

  /** The last change of a server below a seqno, of those that are put back. */
  lastOf(serverId: number, below: number): { readonly seqno: number; readonly position: number } | null {
    let last: { seqno: number; position: number } | null = null;
    for (const [position, record] of this.records)
      if (record.serverId === serverId && record.seqno < below && record.seqno > (last?.seqno ?? 0))
        last = { seqno: record.seqno, position };
    return last;
  }

  /** Those among what is put back. */
  get objects(): IterableIterator<ReceivedObject> {
    return this.objectsAt.values();
  }

  /** The record at a position, with this batch; null if there is none that can be read. */
  async recordAt(position: number): Promise<LogRecord | null> {
    const staged = this.records.get(position);
    if (staged) return staged;
    const stored = await this.store.get(this.keys.record(position));
    return stored ? decodeRecordOrNull(stored) : null;
  }

  /** Puts a record back. It must be known to belong there. */
  async place(position: number, record: ReceivedRecord): Promise<void> {
    const { keys } = this;
    const sequenceKey = keys.sequence(record.serverId, record.seqno);
    this.put(keys.record(position), record.bytes);
    this.put(sequenceKey, seal(sequenceKey, number(position)));
    this.records.set(position, record);
    const object = this.received.get(record);
    if (object) await this.placeObject(position, object);
    const isUntold = isUdtChange(record) && (await readUdtChange(this.store, keys, position)) === undefined;
    // No reader may rely on the patch of a version that nobody looks for any more (WS-23).
    if (isUntold) for (const { key, value } of writeUdtChange(keys, position, null)) this.put(key, value);
  }

  /** With the postings of all groups that are whole now. */
  async writes(): Promise<Write[]> {
    const groups = new Map<number, LogRecord>();
    for (const [position, record] of this.records) groups.set(position - record.groupIndex, record);
    for (const [first, { groupSize }] of groups) await this.addPostings(first, groupSize);
    return this.collected;
  }

  /** REP-6: the first record of a uuid in the order of the log stands for all. */
  private async placeObject(position: number, object: ReceivedObject): Promise<void> {
    const { keys } = this;
    const { kind, versionUuid } = object;
    this.objectsAt.set(position, object);
    this.matches.push(...matchesOf(kind, object.value));
    const key = keys.uuid(kind, versionUuid);
    const name = `${kind} ${versionUuid}`;
    const known = this.firsts.get(name) ?? (await this.placeIn(key));
    if (known === position) return;
    if (known !== null && known < position) {
      await this.repeat(position, object.value, known);
      return;
    }
    this.firsts.set(name, position);
    this.put(key, seal(key, number(position)));
    if (known !== null) await this.repeat(known, await this.objectAt(known), position);
  }

  private async repeat(position: number, value: Json, first: number): Promise<void> {
    const repeat = repeatOf(await this.objectAt(first), value);
    this.repeats.set(position, repeat);
    const write = writeRepeat(this.keys, position, repeat);
    this.put(write.key, write.value);
  }

  private async objectAt(position: number): Promise<JsonObject | null> {
    const staged = this.objectsAt.get(position);
    if (staged) return staged.value;
    return objectOf(await this.recordAt(position));
  }

  private async addPostings(first: number, groupSize: number): Promise<void> {
    const stored = await readRepeats(this.store, this.keys, first, first + groupSize - 1);
    const postings = new GroupPostings();
    for (let position = first; position < first + groupSize; position++) {
      const record = await this.recordAt(position);
      if (!record) return; // what else is lost of the group brings them
      const value = objectOf(record);
      const repeat = this.repeats.get(position) ?? stored.get(position);
      if (!value || !isObjectKind(record.kind) || repeat === 'same') continue;
      postings.add(record.kind, matchesOf(record.kind, value), position);
    }
    this.collected.push(...postings.writes(this.keys));
  }

  private async placeIn(key: Uint8Array): Promise<number | null> {
    const sealed = await this.store.get(key);
    return sealed ? readPlace(key, sealed) : null;
  }

  private put(key: Uint8Array, value: Uint8Array | null): void {
    this.collected.push({ key, value });
  }
}

function objectOf(record: LogRecord | null): JsonObject | null {
  if (!record?.object || !isObjectKind(record.kind)) return null;
  const value = JSON.parse(Buffer.from(record.object).toString('utf8')) as Json;
  return isJsonObject(value) ? value : null;
}
