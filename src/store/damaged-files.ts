// Says what is wrong with the files of a database that nobody has open, without changing anything: `rejoin verify` asks before
// it opens the data folder, which would mend them.

import { join } from 'node:path';
import { checkLevelFiles } from './level-files.ts';
import { LevelStore } from './level.ts';
import { isThere } from './is-there.ts';
import { PidFile } from './pid-file.ts';

/** @returns one clause each; none where a server has the folder open, or where there is none. */
export async function damagedFiles(folder: string): Promise<readonly string[]> {
  const databaseFolder = join(folder, 'db');
  if (!(await isThere(databaseFolder)) || (await LevelStore.isInUse(databaseFolder))) return [];
  const wasStopped = !(await new PidFile(folder).isThere());
  const { damage, isNew } = await checkLevelFiles(databaseFolder, wasStopped);
  return isNew ? [] : damage;
}
