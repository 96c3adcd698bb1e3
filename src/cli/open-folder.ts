// A data folder that no server runs on, opened as a server opens it: for commands that work on it.

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObservedEvent } from '../core/observer.ts';
import { Projects } from '../core/projects.ts';
import { RejoinError, hasCode } from '../errors.ts';
import { realEnvironment } from '../model/environment.ts';
import { openDataFolder, type DataFolder } from '../store/data-folder.ts';
import { checkRestore } from '../store/replace-database.ts';

export interface OpenFolderOptions {
  /** Whether there must be a database already; else it is made. */
  readonly mustExist: boolean;
  /** Is told in a sentence what the operator should know. */
  readonly onWarning: (sentence: string) => void;
  /** What to do, should a server run on it, as the end of a sentence. */
  readonly elseAdvice?: string;
}

/** Runs `use` on the projects of a data folder, and closes it. @throws RejoinError as `openDataFolder`, `not-found`. */
export async function withProjects<T>(
  data: string,
  { mustExist, onWarning, elseAdvice }: OpenFolderOptions,
  use: (projects: Projects, folder: DataFolder) => Promise<T>,
): Promise<T> {
  if (mustExist) await checkThere(data);
  const folder = await openFolder(data, onWarning, elseAdvice);
  try {
    folder.warnings.forEach(onWarning);
    const projects = new Projects({
      store: folder.store,
      life: folder.life,
      takeLife: (reason) => folder.takeLife(reason),
      witness: folder.witness,
      environment: realEnvironment,
      observer: { observe: (event) => isTold(event) && onWarning(event.detail) },
    });
    try {
      return await use(projects, folder);
    } finally {
      await projects.close();
    }
  } finally {
    await folder.close();
  }
}

async function checkThere(data: string): Promise<void> {
  await checkRestore(data);
  try {
    await access(join(data, 'db'));
  } catch (cause) {
    const message = `There is no database in ${data}: say with --data which folder is meant`;
    throw new RejoinError('not-found', message, { cause });
  }
}

async function openFolder(
  data: string,
  onTrouble: (sentence: string) => void,
  elseAdvice: string | undefined,
): Promise<DataFolder> {
  try {
    return await openDataFolder(data, { environment: realEnvironment, onTrouble });
  } catch (error) {
    const isInUse = hasCode(error, 'data-in-use');
    if (!isInUse || elseAdvice === undefined) throw error;
    throw new RejoinError(error.code, `${error.message}. ${elseAdvice}`, { cause: error });
  }
}

/** What clients did long ago is nobody's matter here. */
function isTold({ type }: ObservedEvent): boolean {
  return ['damage', 'life-renewed', 'store-failed', 'change-dropped', 'client-ids-replaced'].includes(type);
}
