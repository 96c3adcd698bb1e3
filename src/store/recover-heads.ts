// How far a log goes, found from what is stored when it is opened, and whether something of it was lost. Positions and
// seqnos are dense, and every change has one of each; the witness knows how far they went.

import type { VersionVector } from '../model/version-vector.ts';
import { firstOf, type Store } from './store.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber, readSequenceKey, readSnapshotKey } from './read-key.ts';
import type { KnownDamage, ProjectInfo } from './project-info.ts';
import type { WitnessedHeads } from './witnessed-heads.ts';

export interface Heads {
  /** The last position that was ever given. */
  readonly position: number;
  /** The highest seqno that was ever given, per server id. */
  readonly vector: Map<number, number>;
}

export interface RecoveredHeads extends Heads {
  /** What was lost and not known before, in a clause; null if nothing was. */
  readonly damage: string | null;
}

/** @param known of damage that was found before: what it says was given is never given again. */
export async function recoverHeads(
  store: Store,
  keys: ProjectKeys,
  known: KnownDamage | undefined,
  witnessed: WitnessedHeads | undefined,
): Promise<RecoveredHeads> {
  const last = await firstOf(store, { ...keys.allRecords(), reverse: true });
  const stored = {
    position: Math.max(
      last ? readLastNumber(last.key) : 0,
      known?.position ?? 0,
      await newestSnapshot(store, keys),
    ),
    vector: await recoverVector(store, keys),
  };
  for (const [serverId, seqno] of known?.vector ?? []) raise(stored.vector, serverId, seqno);
  const damage = damageIn(stored, known?.missing ?? 0, witnessed);
  if (damage === null) return { ...stored, damage };

  if (witnessed && witnessed.seqno > 0) raise(stored.vector, witnessed.serverId, witnessed.seqno);
  const position = Math.max(stored.position, witnessed?.position ?? 0, countOf(stored.vector));
  return { position, vector: stored.vector, damage };
}

/** What was witnessed of a project, unless it is of what was given up since then. */
export function credible(
  witnessed: WitnessedHeads | undefined,
  info: ProjectInfo | undefined,
): WitnessedHeads | undefined {
  const isGivenUp = ([serverId, seqno]: readonly [number, number]): boolean =>
    serverId === witnessed?.serverId && seqno >= witnessed.seqno;
  return info?.givenUp?.some(isGivenUp) === true ? undefined : witnessed;
}

/** Of a project whose log was removed: its tombstone has the numbers that were given (REP-14). */
export function headsOfPurged({ tombstone }: ProjectInfo): RecoveredHeads {
  const vector = new Map(tombstone?.vector);
  return { position: countOf(vector), vector, damage: null };
}

/** How many positions there are for which no server id has a seqno. */
export function missingIn({
  position,
  vector,
}: Pick<Heads, 'position'> & { readonly vector: VersionVector }): number {
  return position - countOf(vector);
}

function damageIn(
  { position, vector }: Heads,
  missing: number,
  witnessed: WitnessedHeads | undefined,
): string | null {
  if (witnessed && witnessed.position > position)
    return `its log ends at position ${position} and has ended at ${witnessed.position} before`;
  const seqno = witnessed && (vector.get(witnessed.serverId) ?? 0);
  if (witnessed && seqno !== undefined && seqno < witnessed.seqno)
    return `the seqnos of server ${witnessed.serverId} end at ${seqno} and have ended at ${witnessed.seqno} before`;
  // Fewer than were missing before: some are back.
  const missingNow = missingIn({ position, vector });
  if (missingNow > missing || missingNow < 0)
    return `its log ends at position ${position}, its servers' heads count ${countOf(vector) + missing} changes`;
  return null;
}

/** The log went that far, whatever is left of it: what came there now would be taken for covered, and never be read. */
async function newestSnapshot(store: Store, keys: ProjectKeys): Promise<number> {
  for (let below: number | null = null; ;) {
    const last = await firstOf(store, { ...keys.snapshotsBelow(below), reverse: true });
    if (!last) return 0;
    const { position, chunk } = readSnapshotKey(last.key);
    if (chunk === null) return position;
    below = position; // without its header it was never whole
  }
}

function countOf(vector: ReadonlyMap<number, number>): number {
  return [...vector.values()].reduce((sum, seqno) => sum + seqno, 0);
}

function raise(vector: Map<number, number>, serverId: number, seqno: number): void {
  vector.set(serverId, Math.max(seqno, vector.get(serverId) ?? 0));
}

/** The highest seqno per server id: one seek for each. */
async function recoverVector(store: Store, keys: ProjectKeys): Promise<Map<number, number>> {
  const vector = new Map<number, number>();
  let below: number | null = null;
  for (;;) {
    const last = await firstOf(store, { ...keys.sequencesBelow(below), reverse: true });
    if (!last) return vector;
    const { serverId, seqno } = readSequenceKey(last.key);
    vector.set(serverId, seqno);
    below = serverId;
  }
}
