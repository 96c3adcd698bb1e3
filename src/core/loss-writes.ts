// What is written when the lost changes of a log are given up, all of it at once: an empty change in each of their places, other
// numbers for what lies behind them, and nothing left that leads to what is gone. The acceptance of a loss calls this.

import * as Y from 'yjs';
import { matchesOf } from '../model/matches.ts';
import { objectKinds } from '../model/objects.ts';
import { seal } from '../store/digest.ts';
import { GroupBatch } from '../store/group-batch.ts';
import { nameOfKey, number } from '../store/key-parts.ts';
import type { ProjectKeys } from '../store/keys.ts';
import { objectPlaceOf, type ObjectPlace } from '../store/object-place.ts';
import { GroupPostings, postingWithout } from '../store/postings.ts';
import { readLastNumber, readSequenceKey, readSnapshotKey } from '../store/read-key.ts';
import { readPlace } from '../store/read-place.ts';
import {
  decodeRecord,
  decodeRecordOrNull,
  encodeRecord,
  withoutUpdate,
  type LogRecord,
  type RecordKind,
} from '../store/record.ts';
import { readRepeats } from '../store/repeats.ts';
import type { Store, Write } from '../store/store.ts';
import { writeUdtChange } from '../store/udt-changes.ts';
import { answeredVersion } from './idempotency.ts';
import { isGroupWhole, isShown, keepsNumber, SessionBeginning, type LossPlan } from './loss-plan.ts';
import type { LossSurvey, Place } from './loss-survey.ts';
import { epochSize } from './version-history.ts';
import { readOrTell } from './version-record.ts';

export interface LossWritesOptions {
  readonly store: Store;
  readonly keys: ProjectKeys;
  readonly survey: LossSurvey;
  readonly plan: LossPlan;
  /** Under which this server writes, and the first number of its own that is free. */
  readonly own: { readonly serverId: number; readonly firstSeqno: number };
  readonly nowMs: number;
  readonly isSession: boolean;
  /** Who is said to have closed the gaps. */
  readonly user: string;
  /** What the last change is, which tells readers of the log that the document is another one. */
  readonly closing: 'udt' | 'update';
}

/** One that says nothing. */
const emptyUpdate = Y.encodeStateAsUpdate(new Y.Doc());

export class LossWrites {
  readonly writes: Write[] = [];
  private seqno: number;
  private readonly beginning: SessionBeginning;

  private constructor(private readonly options: LossWritesOptions) {
    this.seqno = options.own.firstSeqno;
    this.beginning = new SessionBeginning(options.survey, options.isSession);
  }

  static async collect(options: LossWritesOptions): Promise<LossWrites> {
    const collected = new LossWrites(options);
    await collected.forgetNumbers(); // before some of them are written anew
    await collected.rewriteRecords();
    collected.close();
    await collected.forgetUuids();
    await collected.forgetPostings();
    await collected.forgetPatches();
    await collected.forgetAnswers();
    await collected.forgetSnapshots();
    collected.writes.push({ key: options.keys.quarantine, value: null });
    return collected;
  }

  /** The last number of this server's. */
  get lastSeqno(): number {
    return this.seqno - 1;
  }

  private isLost(position: number): boolean {
    return this.options.survey.lost.has(position);
  }

  private async forgetNumbers(): Promise<void> {
    const { store, keys, plan } = this.options;
    for await (const page of store.scan(keys.sequencesBelow(null)))
      for (const { key } of page) {
        const { serverId, seqno } = readSequenceKey(key);
        if (seqno > (plan.heads.get(serverId) ?? 0)) this.writes.push({ key, value: null });
      }
  }

  /** All behind the first loss goes without its updates: a snapshot stands for them, and is sent to others in their place (REP-7). */
  private async rewriteRecords(): Promise<void> {
    const { store, keys, survey, plan } = this.options;
    let next = plan.from;
    for await (const page of store.scan(keys.records(plan.from, survey.last)))
      for (const { key, value } of page) {
        const position = readLastNumber(key);
        const place = survey.places.get(position);
        if (!place) continue; // filled below
        for (; next < position; next++) this.fill(next);
        next = position + 1;
        this.rewrite(position, place, value);
      }
    for (; next <= survey.last; next++) this.fill(next);
  }

  private rewrite(position: number, place: Place, value: Uint8Array): void {
    const { keys, survey, plan } = this.options;
    if (keepsNumber(place, plan.heads)) {
      const stripped = withoutUpdate(value);
      if (stripped) this.writes.push({ key: keys.record(position), value: stripped });
      return;
    }
    // What is left of a group that lacks some is a group each.
    const isWhole = isGroupWhole(survey, position, place);
    const { groupIndex, groupSize } = isWhole ? place : { groupIndex: 0, groupSize: 1 };
    const update = groupIndex === 0 ? emptyUpdate : null;
    this.add(position, { ...decodeRecord(value), groupIndex, groupSize, update });
  }

  private fill(position: number): void {
    this.add(position, this.emptyChange(this.beginning.kindAt(position) ?? 'update'));
  }

  private close(): void {
    const { closing, survey } = this.options;
    this.add(survey.last + 1, this.emptyChange(closing));
  }

  private emptyChange(kind: RecordKind): LogRecord {
    const { nowMs, own, user } = this.options;
    const origin = { protocol: 'server', user } as const;
    const place = { serverId: own.serverId, seqno: 0, groupIndex: 0, groupSize: 1 };
    return { ...place, timeMs: nowMs, origin, kind, object: null, update: emptyUpdate };
  }

  /** Under the next number of this server's. */
  private add(position: number, record: LogRecord): void {
    const { keys, own } = this.options;
    const numbered = { ...record, serverId: own.serverId, seqno: this.seqno++ };
    const bytes = encodeRecord(numbered);
    new GroupBatch(keys, this.writes).add(position, numbered, withoutUpdate(bytes) ?? bytes, null);
  }

  /** An object that is lost may be sent again; of one that has another record (REP-6) that is the first now. */
  private async forgetUuids(): Promise<void> {
    const { store, keys } = this.options;
    const repeats = await this.repeatsLeft();
    for (const kind of objectKinds)
      for await (const page of store.scan(keys.uuids(kind)))
        for (const { key, value } of page) {
          const position = readPlace(key, value);
          if (position === null || !this.isLost(position)) continue;
          const repeat = repeats.get(nameOfKey(key));
          if (!repeat) {
            this.writes.push({ key, value: null });
            continue;
          }
          this.writes.push({ key, value: seal(key, number(repeat.position)) });
          this.writes.push({ key: keys.repeat(repeat.position), value: null });
          this.writes.push(...repeat.postings);
        }
  }

  /** By the uuid's key the first of each. Those at lost positions are forgotten. */
  private async repeatsLeft(): Promise<Map<string, { position: number; postings: Write[] }>> {
    const { store, keys, survey } = this.options;
    const left = new Map<string, { position: number; postings: Write[] }>();
    for (const [position] of await readRepeats(store, keys, 1, survey.last)) {
      if (this.isLost(position)) {
        this.writes.push({ key: keys.repeat(position), value: null });
        continue;
      }
      const stored = await store.get(keys.record(position));
      const record = stored && decodeRecordOrNull(stored);
      const place = record && objectPlaceOf(keys, record);
      if (place && !left.has(nameOfKey(place.key)))
        left.set(nameOfKey(place.key), { position, postings: postingsOf(keys, place, position) });
    }
    return left;
  }

  private async forgetPostings(): Promise<void> {
    const { store, keys } = this.options;
    for await (const page of store.scan(keys.allPostings()))
      for (const entry of page)
        this.writes.push(...postingWithout(entry, (position) => this.isLost(position)));
  }

  /** No patch leads from one state to the next any more: who reads them is given the whole at the end (WS-23). */
  private async forgetPatches(): Promise<void> {
    const { store, keys, survey, plan } = this.options;
    for await (const page of store.scan(keys.udtChanges(plan.from, survey.last)))
      for (const { key } of page) {
        const position = readLastNumber(key);
        if (this.isLost(position))
          this.writes.push({ key, value: null }, { key: keys.unkeptPatch(position), value: null });
        else this.writes.push(...writeUdtChange(keys, position, null));
      }
    for (const position of survey.lost.keys()) {
      const kind = this.beginning.kindAt(position);
      if (kind === 'session' || kind === 'closing') this.writes.push(...writeUdtChange(keys, position, null));
    }
  }

  /** Whoever sends again a PATCH that was given up isn't told that it was done. */
  private async forgetAnswers(): Promise<void> {
    const { store, keys, survey } = this.options;
    for await (const page of store.scan(keys.allAnswers()))
      for (const { key, value } of page) {
        const version = answeredVersion(key, value);
        const versionKey = keys.version((version ?? 0) % epochSize);
        const stored = version === null ? undefined : await store.get(versionKey);
        const record = stored && readOrTell({ key: versionKey, value: stored }, () => undefined);
        const place = record?.position === undefined ? undefined : survey.places.get(record.position);
        const isDone =
          record && // else it was lost with its change
          (record.position === undefined ||
            record.position <= survey.covered ||
            (place && isShown(survey, record.position, place)));
        if (isDone !== true) this.writes.push({ key, value: null });
      }
  }

  /** They name numbers that are gone. */
  private async forgetSnapshots(): Promise<void> {
    const { store, keys, survey } = this.options;
    for await (const page of store.scan(keys.snapshotsBelow(survey.last + 1)))
      for (const { key } of page)
        if (readSnapshotKey(key).chunk === null) this.writes.push({ key, value: null });
  }
}

function postingsOf(keys: ProjectKeys, { kind, value }: ObjectPlace, position: number): Write[] {
  const postings = new GroupPostings();
  postings.add(kind, matchesOf(kind, value), position);
  return postings.writes(keys);
}
