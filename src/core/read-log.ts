// Reads how far the log of a project goes, when it is opened and after a failure. Damage is noticed here, before anything
// is numbered.

import { RejoinError, hasCode } from '../errors.ts';
import { readClientIds, type ClientIds } from '../store/client-ids.ts';
import type { Life } from '../store/life.ts';
import { ProjectLog } from '../store/project-log.ts';
import type { Store } from '../store/store.ts';
import { isUnfinishedSession, removeUnfinishedSession } from '../store/unfinished-sessions.ts';
import type { ProjectContext } from './project-context.ts';

/**
 * Reads the heads of a log. If it has lost something, a number that it gave may not be stored any more: from then on this
 * server writes under another server id (REP-8), unless it does so already. A database that was rolled back has lost
 * something of many projects, and takes one for all.
 */
export async function readLog(
  project: string,
  context: ProjectContext,
): Promise<{ log: ProjectLog; life: Life; ids: ClientIds | undefined }> {
  const { store, environment, observer, witness } = context;
  const damaged = (detail: string): void => observer.observe({ type: 'damage', project, detail });
  await removeUnfinished(project, context);
  const witnessed = await witness?.heads(project);
  let { life } = context; // if there is another one before all is read, what was read is stale
  const onHole = (): void => context.suspect(project);
  let log = await ProjectLog.open(store, project, life.serverId, witnessed, onHole);
  if (log.newDamage !== null) {
    damaged(log.newDamage);
    try {
      if (context.mayHaveNumbered(project)) await context.renewLife(log.newDamage, life.serverId);
      await store.write([log.noteDamage(environment.now())]);
    } catch (cause) {
      context.recovery.failed(cause);
      // Of what was asked for nothing was done: it may be tried again.
      throw new RejoinError('unavailable', 'Damage of a project could not be noted', { cause });
    }
    context.moved.tell(project); // no number up to where it ended is given again: that is more than the log shows
    ({ life } = context);
    log = await ProjectLog.open(store, project, life.serverId, witnessed, onHole);
  }
  context.numbers(project);
  // A check that noted nothing was cut off.
  if (log.isDamaged && !(await store.get(log.keys.quarantine))) context.suspect(project);
  return { log, life, ids: await readKnownIds(store, log, life, damaged) };
}

/** What is left of a session whose creation the failure of the store has cut off: nobody is creating it now. */
async function removeUnfinished(project: string, { store, recovery }: ProjectContext): Promise<void> {
  if (!(await isUnfinishedSession(store, project))) return;
  try {
    await removeUnfinishedSession(store, project);
  } catch (cause) {
    recovery.failed(cause);
    throw new RejoinError('unavailable', 'What an unfinished session has left could not be removed', {
      cause,
    });
  }
}

/** ClientIDs that can't be read are as good as none: new ones are drawn. */
async function readKnownIds(
  store: Store,
  { keys }: ProjectLog,
  { serverId }: Life,
  damaged: (detail: string) => void,
): Promise<ClientIds | undefined> {
  try {
    return await readClientIds(store, keys, serverId);
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    damaged(error.message);
    return undefined;
  }
}
