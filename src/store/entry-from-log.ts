// What the records of a log tell of its project: when it began, and who made a session of it. So an entry of the catalogue that was lost
// is made anew, and says the rest when records that were lost too are put back.

import type { ProjectInfo } from './project-info.ts';
import type { LogRecord } from './record.ts';

/**
 * Of an entry that is made anew: `createdMs` stands for the time of the first record, which isn't known.
 * @param position of the end of the log.
 */
export function entryWithoutLog(nowMs: number, position: number): ProjectInfo {
  return { createdMs: nowMs, session: null, tombstone: null, toldFrom: position + 1 };
}

/** What the entry says when the log has this record; `info` itself where that is the same. */
export function toldBy(info: ProjectInfo, position: number, record: LogRecord): ProjectInfo {
  const { kind, serverId, origin, timeMs } = record;
  const isSession = kind === 'session' || kind === 'closing';
  const session = info.session ?? (isSession ? { serverId, user: origin.user } : null);
  const { toldFrom, ...rest } = info;
  if (toldFrom !== undefined && position < toldFrom)
    return { ...rest, createdMs: timeMs, session, ...(position > 1 && { toldFrom: position }) };
  return session === info.session ? info : { ...info, session };
}
