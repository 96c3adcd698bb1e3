// What has to be written for the records of one group: the records, and their places in the indices. The log of a project
// makes one for each group that it numbers.

import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { changeAt, type Change } from './change.ts';
import { seal } from './digest.ts';
import { number } from './key-parts.ts';
import type { ProjectKeys } from './keys.ts';
import { GroupPostings } from './postings.ts';
import type { LogRecord } from './record.ts';
import { writeRepeat, type Repeat } from './repeats.ts';
import type { Write } from './store.ts';

/** What is known of a change that is an object. */
export interface LoggedObject {
  readonly kind: ObjectKind;
  readonly versionUuid: string;
  /** What it can be selected by. */
  readonly matches: readonly Match[];
  /** Null for the first of its uuid. */
  readonly repeat: Repeat | null;
}

export class GroupBatch {
  private readonly postings = new GroupPostings();

  /** @param writes gets what has to be written. */
  constructor(
    private readonly keys: ProjectKeys,
    private readonly writes: Write[],
  ) {}

  /** Positions rise from call to call. @param bytes of the record as it is stored. */
  add(position: number, record: LogRecord, bytes: Uint8Array, object: LoggedObject | null): Change {
    const { keys, writes } = this;
    const at = number(position);
    const sequenceKey = keys.sequence(record.serverId, record.seqno);
    writes.push({ key: keys.record(position), value: bytes });
    writes.push({ key: sequenceKey, value: seal(sequenceKey, at) });
    if (!object) return changeAt(position, record);
    const { kind, versionUuid, matches, repeat } = object;
    if (repeat === null) {
      const uuidKey = keys.uuid(kind, versionUuid);
      writes.push({ key: uuidKey, value: seal(uuidKey, at) });
    } else writes.push(writeRepeat(keys, position, repeat));
    if (repeat !== 'same') this.postings.add(kind, matches, position);
    return changeAt(position, record, matches, repeat);
  }

  /** All of the group is added. */
  end(): void {
    this.writes.push(...this.postings.writes(this.keys));
  }
}
