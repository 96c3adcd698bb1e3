// What has to be written for the records of one group: the records, and their places in the indices. The log of a project
// makes one for each group that it numbers.

import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import type { Change } from './change.ts';
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
  private readonly collected: Write[] = [];
  private readonly postings = new GroupPostings();

  constructor(private readonly keys: ProjectKeys) {}

  /** Positions rise from call to call. @param bytes of the record as it is stored. */
  add(position: number, record: LogRecord, bytes: Uint8Array, object: LoggedObject | null): Change {
    const { keys, collected } = this;
    const at = number(position);
    const sequenceKey = keys.sequence(record.serverId, record.seqno);
    collected.push({ key: keys.record(position), value: bytes });
    collected.push({ key: sequenceKey, value: seal(sequenceKey, at) });
    if (!object) return { ...record, position };
    const { kind, versionUuid, matches, repeat } = object;
    if (repeat === null) {
      const uuidKey = keys.uuid(kind, versionUuid);
      collected.push({ key: uuidKey, value: seal(uuidKey, at) });
    } else collected.push(writeRepeat(keys, position, repeat));
    if (repeat !== 'same') this.postings.add(kind, matches, position);
    return { ...record, position, matches, ...(repeat && { repeat }) };
  }

  writes(): Write[] {
    return [...this.collected, ...this.postings.writes(this.keys)];
  }
}
