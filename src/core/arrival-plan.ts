// What of the records that came with another server's snapshot is new here, and whether all of it can be taken (REP-3, REP-7).
// take-arrival.ts asks before anything is written.

import type { VersionVector } from '../model/version-vector.ts';
import type { Arrival } from '../store/arrivals.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import { readGroups, type ReceivedGroup } from '../store/received-groups.ts';
import { isUdtChange } from '../store/udt-changes.ts';

export interface ArrivalPlan {
  /** How many are new. */
  readonly changes: number;
  /** The last new group that tells of `udt`: its server id and first seqno. */
  readonly lastUdt: { readonly serverId: number; readonly seqno: number } | null;
  /** That of a session which is complete with them. */
  readonly session: ProjectInfo['session'];
  /** Whether that was made in slices: its last one completes it. */
  readonly isSliced: boolean;
  /** Why it can't be taken; null if it can. */
  readonly problem: string | null;
}

/**
 * @param known what the log has.
 * @param covers what the snapshot has; null if that was looked at before.
 * @param onGroups is called with all that came, part by part.
 * @throws RejoinError `bad-request`, `damaged`.
 */
export async function planArrival(
  arrival: Arrival,
  known: VersionVector,
  covers: VersionVector | null,
  onGroups: (groups: readonly ReceivedGroup[]) => Promise<void>,
): Promise<ArrivalPlan> {
  const heads = new Map(known);
  const found = { changes: 0, lastUdt: null as ArrivalPlan['lastUdt'], problem: null as string | null };
  const sessions = new Sessions();
  for await (const { records } of arrival.read()) {
    const groups = readGroups(records);
    await onGroups(groups);
    for (const group of groups) {
      sessions.add(group);
      if (!isNew(group, heads)) continue;
      found.problem = problemOf(group, heads, covers);
      if (found.problem) return { ...found, session: null, isSliced: false };
      heads.set(group.serverId, group.lastSeqno);
      found.changes += group.records.length;
      if (group.records.some(isUdtChange))
        found.lastUdt = { serverId: group.serverId, seqno: group.firstSeqno };
    }
  }
  return { ...found, session: sessions.complete, isSliced: sessions.isSliced };
}

export function isNew({ serverId, lastSeqno }: ReceivedGroup, known: VersionVector): boolean {
  return lastSeqno > (known.get(serverId) ?? 0);
}

function problemOf(
  { serverId, firstSeqno, lastSeqno, update }: ReceivedGroup,
  heads: VersionVector,
  covers: VersionVector | null,
): string | null {
  const next = (heads.get(serverId) ?? 0) + 1;
  if (firstSeqno !== next)
    return `[${serverId}, ${firstSeqno}] came with a snapshot, and ${next} is the next of that server`;
  if (!update && covers && lastSeqno > (covers.get(serverId) ?? 0))
    return `[${serverId}, ${firstSeqno}] came without its update, and the snapshot before it doesn't have it`;
  return null;
}

/** The first session that is complete: one that was made in slices is so with its last. */
class Sessions {
  complete: ProjectInfo['session'] = null;
  isSliced = false;

  add({ serverId, records: [first] }: ReceivedGroup): void {
    if (!first) return;
    const { user } = first.origin;
    if (first.kind === 'closing' && !this.complete) this.isSliced = true;
    if (first.kind === 'session' || first.kind === 'closing') this.complete ??= { serverId, user };
    if (first.kind === 'slice' && this.complete?.serverId === serverId) this.complete = null;
  }
}
