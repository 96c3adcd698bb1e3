// Whether what another server sends again is what is here under the same numbers (REP-9): two servers compare their heads before, but
// both may have taken more since, from a server and its copy. ProjectReplica makes one.

import { RejoinError } from '../errors.ts';
import { readChecksum } from '../store/read-checksum.ts';
import { checksumIn, type ReceivedGroup, type ReceivedRecord } from '../store/received-groups.ts';
import type { ProjectState } from './project-state.ts';

/** @returns what is thrown where one number has two contents. */
export function otherContent(project: string, serverId: number, seqno: number): RejoinError {
  return new RejoinError(
    'conflict',
    `Change ${seqno} of server ${serverId} in ${JSON.stringify(project)} is another one there than here: one of the two folders is a copy that went on under the same server id`,
  );
}

export class KnownGroups {
  /** Those that are on their way to the disk, as they were taken. */
  private readonly underWay = new Set<readonly ReceivedGroup[]>();

  constructor(private readonly state: ProjectState) {}

  /** They are not in the store until then. */
  note(groups: readonly ReceivedGroup[], durable: Promise<unknown>): void {
    if (groups.length === 0) return;
    this.underWay.add(groups);
    const end = (): void => void this.underWay.delete(groups);
    durable.then(end, end);
  }

  /**
   * To be called before anything behind them is taken, which would hide that they differ: heads are all that servers compare. Of
   * each server the last one is enough.
   * @throws RejoinError `conflict`.
   */
  async check(groups: readonly ReceivedGroup[]): Promise<void> {
    const last = new Map(groups.map((group) => [group.serverId, group.records.at(-1)]));
    for (const record of last.values()) {
      const own = record && (await this.checksumOf(record));
      if (!own || Buffer.compare(own, checksumIn(record.bytes)) === 0) continue;
      const { serverId, seqno } = record;
      throw otherContent(this.state.id, serverId, seqno);
    }
  }

  /** Null if it can't be read: that is damage, and no other change. */
  private async checksumOf({ serverId, seqno }: ReceivedRecord): Promise<Uint8Array | null> {
    const { context, log, id } = this.state;
    for (const groups of this.underWay)
      for (const group of groups) {
        if (group.serverId !== serverId || group.lastSeqno !== seqno) continue;
        const record = group.records.at(-1);
        if (record) return checksumIn(record.bytes);
      }
    const stored = await readChecksum(context.store, log.keys, serverId, seqno);
    if (stored === 'damaged') context.suspect(id);
    return typeof stored === 'string' ? null : stored;
  }
}
