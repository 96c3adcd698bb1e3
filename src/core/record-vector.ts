// What a server has that has these records: links call it for what a peer sent, so that it isn't sent back.

import type { VersionVector } from '../model/version-vector.ts';
import { numberOfRecord } from '../store/record.ts';

/** The highest seqno per server id. @throws RejoinError `damaged` if a record can't be read. */
export function vectorOfRecords(records: readonly Uint8Array[]): VersionVector {
  const vector = new Map<number, number>();
  for (const record of records) {
    const { serverId, seqno } = numberOfRecord(record);
    if (seqno > (vector.get(serverId) ?? 0)) vector.set(serverId, seqno);
  }
  return vector;
}
