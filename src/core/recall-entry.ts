// The catalogue's entry of a project that has lost it, or whose entry is damaged, while its log is here: what it said is told by the log, and
// another server says whether the project was deleted. Replicas asks for it when two servers meet.

import { RejoinError } from '../errors.ts';
import type { Standing } from '../model/standing.ts';
import { ProjectKeys } from '../store/keys.ts';
import { entryWithoutLog, toldBy } from '../store/entry-from-log.ts';
import { readProjectInfo, writeProjectInfo, type ProjectInfo } from '../store/project-info.ts';
import { readLastNumber } from '../store/read-key.ts';
import { recoverHeads } from '../store/recover-heads.ts';
import { decodeRecordOrNull } from '../store/record.ts';
import { firstOf, type Store } from '../store/store.ts';
import { isUnfinishedSession } from '../store/unfinished-sessions.ts';
import type { Projects } from './projects.ts';

/** Does nothing where the entry is whole, or nothing is known of the project here or there. @throws RejoinError `unavailable`. */
export async function recallEntry(projects: Projects, project: string, theirs: Standing): Promise<void> {
  const { store, recovery, observer } = projects.context;
  const keys = new ProjectKeys(project);
  const isThere = await projects.reading(() => hasEntry(store, project));
  if (isThere || (theirs.heads.length === 0 && theirs.lifecycle === 0)) return;
  if (projects.isOpen(project) || (await isUnfinishedSession(store, project))) return; // it is known in memory
  if (!(await firstOf(store, keys.allRecords()))) return;
  const info = await entryFromLog(store, keys, theirs, projects.context.environment.now());
  try {
    await store.write([writeProjectInfo(project, info)]);
  } catch (cause) {
    recovery.failed(cause);
    throw new RejoinError('unavailable', "A project's entry in the catalogue could not be written anew", {
      cause,
    });
  }
  const detail =
    'Its entry in the catalogue was lost, and is made anew of its log and of what another server says';
  observer.observe({ type: 'damage', project, detail });
}

async function hasEntry(store: Store, project: string): Promise<boolean> {
  try {
    return (await readProjectInfo(store, project)) !== undefined;
  } catch (error) {
    if (error instanceof RejoinError && error.code === 'damaged') return false;
    throw error;
  }
}

async function entryFromLog(
  store: Store,
  keys: ProjectKeys,
  { lifecycle, deletedMs }: Standing,
  nowMs: number,
): Promise<ProjectInfo> {
  const { position, vector } = await recoverHeads(store, keys, undefined, undefined);
  let info = entryWithoutLog(nowMs, position);
  for await (const page of store.scan(keys.allRecords()))
    for (const { key, value } of page) {
      const record = decodeRecordOrNull(value);
      if (record) info = toldBy(info, readLastNumber(key), record);
    }
  const tombstone = lifecycle % 2 === 1 ? { deletedMs, vector: [...vector] } : null;
  return { ...info, tombstone, lifecycle };
}
