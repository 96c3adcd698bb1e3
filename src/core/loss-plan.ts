// What becomes of a log whose lost changes are given up. A server id's changes keep their numbers up to the first that is lost or
// can't be shown; those behind it get numbers of this server's, so that whoever still has the old ones can give them back as
// ordinary changes (REP-3). Every position stays what it is.

import { RejoinError } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { RecordKind } from '../store/record.ts';
import type { LossSurvey, Place } from './loss-survey.ts';

export interface LossPlan {
  /** The highest number that each server id keeps; none if it keeps none. */
  readonly heads: VersionVector;
  /** The first position at which something changes. */
  readonly from: number;
  /** How many changes get another number. */
  readonly renumbered: number;
}

/** More are not written at once. */
const renumberedMax = 200_000;

/**
 * @param given the highest number of each server id that was ever given.
 * @throws RejoinError `conflict` if nothing is lost, or too much would have to be written.
 */
export function planLoss(project: string, survey: LossSurvey, given: VersionVector): LossPlan {
  const heads = keptHeads(survey);
  const isBehind = [...given].some(([serverId, seqno]) => seqno > (heads.get(serverId) ?? 0));
  if (survey.lost.size === 0 && (!isBehind || survey.unshown.size > 0))
    throw new RejoinError('conflict', `The project ${JSON.stringify(project)} has lost nothing`);
  let from = survey.last + 1;
  let renumbered = 0;
  for (let position = survey.last; position >= 1; position--) {
    const place = survey.places.get(position);
    if (place && keepsNumber(place, heads)) continue;
    from = position;
    if (place) renumbered++;
  }
  if (renumbered > renumberedMax)
    throw new RejoinError(
      'conflict',
      `${renumbered.toLocaleString('en-US')} changes of ${JSON.stringify(project)} would have to be written anew, and not more than ${renumberedMax.toLocaleString('en-US')} are: restore a backup`,
    );
  return { heads, from, renumbered };
}

export function keepsNumber({ serverId, seqno }: Place, heads: VersionVector): boolean {
  return seqno <= (heads.get(serverId) ?? 0);
}

/** Whether all changes of the group that a place is in are there. */
export function isGroupWhole({ places }: LossSurvey, position: number, place: Place): boolean {
  const first = position - place.groupIndex;
  for (let index = 0; index < place.groupSize; index++) {
    const other = places.get(first + index);
    const isOfIt =
      other?.serverId === place.serverId &&
      other.groupIndex === index &&
      other.groupSize === place.groupSize &&
      other.seqno === place.seqno - place.groupIndex + index;
    if (!isOfIt) return false;
  }
  return true;
}

/** Whether the document has what the group says that a place is in. */
export function isShown({ places, unshown, covered }: LossSurvey, position: number, place: Place): boolean {
  const first = position - place.groupIndex;
  if (position <= covered) return true;
  const begins = places.get(first);
  return begins?.groupIndex === 0 && begins.serverId === place.serverId && !unshown.has(first);
}

/** Others take whole groups without a gap, and each with its update: up to there a sequence can go on. */
function keptHeads(survey: LossSurvey): Map<number, number> {
  const heads = new Map<number, number>();
  const ended = new Set<number>();
  for (const [position, place] of survey.places) {
    const { serverId, seqno } = place;
    if (ended.has(serverId)) continue;
    const isNext = seqno === (heads.get(serverId) ?? 0) + 1;
    if (isNext && isGroupWhole(survey, position, place) && isShown(survey, position, place))
      heads.set(serverId, seqno);
    else ended.add(serverId);
  }
  return heads;
}

/** The records that begin a session: what is lost among them leaves no session, unless a snapshot has it. */
export class SessionBeginning {
  private readonly hasFirst: boolean;

  constructor(
    private readonly survey: LossSurvey,
    private readonly isSession: boolean,
  ) {
    this.hasFirst = [...survey.places.values()].some(({ kind }) => kind === 'session');
  }

  /** What was at a lost position if it is in the beginning; else null. */
  kindAt(position: number): RecordKind | null {
    if (!this.isSession) return null;
    if (position === 1 && !this.hasFirst) return 'session';
    const before = this.nearest(position, -1);
    const behind = this.nearest(position, 1);
    const isWithin = before === undefined || before === 'session' || before === 'slice';
    if (isWithin && (behind === 'slice' || behind === 'closing')) return 'slice';
    // A slice is followed by another one, or by what completes the session.
    return this.survey.places.get(position - 1)?.kind === 'slice' ? 'closing' : null;
  }

  private nearest(position: number, step: 1 | -1): RecordKind | undefined {
    let at = position + step;
    while (this.survey.lost.has(at)) at += step;
    return this.survey.places.get(at)?.kind;
  }
}
