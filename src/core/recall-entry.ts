// The catalogue's entry of a project that has lost it, or whose entry is damaged: what it said is told by what is left of the log, and by what
// comes back of it; another server says whether the project was deleted. Replicas asks for it when two servers meet.

import { RejoinError, hasCode } from '../errors.ts';
import type { Standing } from '../model/standing.ts';
import { ProjectKeys } from '../store/keys.ts';
import { entryWithoutLog, toldBy } from '../store/entry-from-log.ts';
import { readProjectInfo, writeProjectInfo, type ProjectInfo } from '../store/project-info.ts';
import { readLastNumber } from '../store/read-key.ts';
import { recoverHeads } from '../store/recover-heads.ts';
import { decodeRecordOrNull } from '../store/record.ts';
import { firstOf, type Store } from '../store/store.ts';
import { isUnfinishedSession, removeUnfinishedSession } from '../store/unfinished-sessions.ts';
import { LoggedSessions } from './logged-sessions.ts';
import type { Projects } from './projects.ts';

/**
 * Does nothing where the entry is whole, or nothing is known of the project here or there. One that is open is known in memory: it may
 * be about to come to life. @throws RejoinError `unavailable`.
 */
export async function recallEntry(projects: Projects, project: string, theirs: Standing): Promise<void> {
  if (theirs.heads.length === 0 && theirs.lifecycle === 0) return;
  await projects.whileClosed(project, () => recallClosed(projects, project, theirs));
}

async function recallClosed(projects: Projects, project: string, theirs: Standing): Promise<void> {
  const { store, recovery, observer } = projects.context;
  const keys = new ProjectKeys(project);
  if (await projects.reading(() => hasEntry(store, project))) return;
  if (await isUnfinishedSession(store, project)) return; // who opens it removes what is left of it
  const witnessed = await projects.context.witness?.heads(project);
  if (!witnessed && !(await firstOf(store, keys.allRecords()))) return; // nothing is known of it here
  const nowMs = projects.context.environment.now();
  const recalled = await recall(store, keys, theirs, witnessed !== undefined, nowMs);
  if (recalled === 'unknown') return;
  try {
    if (recalled === 'unfinished') await removeUnfinishedSession(store, project);
    else await store.write([writeProjectInfo(project, recalled)]);
  } catch (cause) {
    recovery.failed(cause);
    throw new RejoinError('unavailable', "A project's entry in the catalogue could not be written anew", {
      cause,
    });
  }
  if (recalled === 'unfinished') return; // nobody has seen any of it
  const detail =
    'Its entry in the catalogue was lost, and is made anew of its log and of what another server says';
  observer.observe({ type: 'damage', project, detail });
}

async function hasEntry(store: Store, project: string): Promise<boolean> {
  try {
    return (await readProjectInfo(store, project)) !== undefined;
  } catch (error) {
    if (hasCode(error, 'damaged')) return false;
    throw error;
  }
}

/**
 * What the log says of a project.
 * @returns `unfinished` if it has only the beginning of a session, of which another server has more: that is no project; `unknown` if
 *   nobody has more.
 */
async function recall(
  store: Store,
  keys: ProjectKeys,
  { lifecycle, deletedMs, heads }: Standing,
  wasThere: boolean,
  nowMs: number,
): Promise<ProjectInfo | 'unfinished' | 'unknown'> {
  const { position, vector } = await recoverHeads(store, keys, undefined, undefined);
  const sessions = new LoggedSessions();
  let info = entryWithoutLog(nowMs, position);
  for await (const page of store.scan(keys.allRecords()))
    for (const { key, value } of page) {
      const record = decodeRecordOrNull(value);
      sessions.add(record);
      if (record) info = toldBy(info, readLastNumber(key), record);
    }
  const { serverId, hasOnlyParts, whole } = sessions.in(vector);
  if (hasOnlyParts && !wasThere) {
    const hasMore = heads.some(
      (head) => head.serverId === serverId && head.seqno > (vector.get(serverId) ?? 0),
    );
    return hasMore ? 'unfinished' : 'unknown';
  }
  const session = whole ?? (wasThere && hasOnlyParts ? sessions.first : null);
  const tombstone = lifecycle % 2 === 1 ? { deletedMs, vector: [...vector] } : null;
  return { ...info, session, tombstone, lifecycle };
}
