// How a restored database takes the place of the one that was there (restore.ts), step by step: after each of them, either what was
// there is still there, or whoever opens the folder is told that a restore was cut off. Running it again goes on.

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { shellWord } from '../model/shell-word.ts';
import { isThere } from './is-there.ts';
import { syncFolder } from './marker.ts';

/** What is being restored is in here until all of it is. */
export const restoringFolder = 'restoring';

/** What was there before is kept in here, each under its time. */
const replacedFolder = 'replaced';

/** What was there is called so until all of it has been moved. */
const unfinishedName = 'unfinished';

/** Is in the restoring folder from when parts of it are moved to their place. */
const placingName = 'placing';

/** What belongs to a database, beside it. */
const besideNames = ['witness', 'rejoin.pid'] as const;

/** @throws RejoinError `data-unusable` if a restore was cut off: a new database in place of one that is being restored would be taken for it. */
export async function checkRestore(data: string): Promise<void> {
  if (await isThere(join(data, 'db'))) return;
  const left = await thoseThere(data, [restoringFolder, ...besideNames]);
  const isMovedAway = await isThere(join(data, replacedFolder, unfinishedName, 'db'));
  if (!left.includes(restoringFolder) && !(isMovedAway && left.length > 0)) return;
  const again = `run it again (rejoin restore BACKUP --data ${shellWord(data)})`;
  const anew = `remove ${left.map((name) => join(data, name)).join(' and ')} to begin with an empty database`;
  const kept = await lastReplaced(data);
  throw new RejoinError(
    'data-unusable',
    `A restore into the data folder ${data} was cut off: ${again}, or ${anew}${kept === null ? '' : `; what was there is kept in ${kept}`}`,
  );
}

/** @returns where what was there is now; null if there was nothing. */
export async function makeRoom(data: string, environment: Environment): Promise<string | null> {
  const unfinished = join(data, replacedFolder, unfinishedName);
  const finish = async (): Promise<string> => {
    const time = new Date(environment.now()).toISOString().replaceAll(':', '-');
    const finished = join(data, replacedFolder, time);
    await rename(unfinished, finished);
    return finished;
  };
  const isBegun = await isThere(join(unfinished, 'db'));
  // Nobody ran that one again: another database was begun since.
  if (isBegun && (await isThere(join(data, 'db')))) await finish();
  // The database first: from then on a start says that a restore was cut off; until then nothing has happened.
  const names = await thoseThere(data, ['db', ...besideNames]);
  if (names.length === 0 && !isBegun) return null;
  await mkdir(unfinished, { recursive: true });
  for (const name of names) {
    await rename(join(data, name), join(unfinished, name));
    await syncFolder(data);
  }
  await syncFolder(unfinished);
  return finish();
}

/** The database last: then the rest is where it belongs. A marker that is moved stays itself. */
export async function putInPlace(staged: string, data: string): Promise<void> {
  await writeFile(join(staged, placingName), '');
  const evidence = join(staged, 'damaged');
  if (await isThere(evidence)) {
    await mkdir(join(data, 'damaged'), { recursive: true });
    for (const name of await readdir(evidence))
      await rename(join(evidence, name), join(data, 'damaged', name));
  }
  if (await isThere(join(staged, 'witness'))) await rename(join(staged, 'witness'), join(data, 'witness'));
  await rename(join(staged, 'db'), join(data, 'db'));
  await syncFolder(data);
  await rm(staged, { recursive: true, force: true });
}

/** Removes what a restore that was cut off has left, also what was in its place already: it isn't what was there before. */
export async function removeStaged(staged: string, data: string): Promise<void> {
  const [isPlacing, isNotPlaced] = [
    await isThere(join(staged, placingName)),
    await isThere(join(staged, 'db')),
  ];
  const isWitnessPlaced = isPlacing && isNotPlaced && !(await isThere(join(staged, 'witness')));
  if (isWitnessPlaced && !(await isThere(join(data, 'db'))))
    await rm(join(data, 'witness'), { recursive: true, force: true });
  await rm(staged, { recursive: true, force: true });
}

async function thoseThere(folder: string, names: readonly string[]): Promise<string[]> {
  const there: string[] = [];
  for (const name of names) if (await isThere(join(folder, name))) there.push(name);
  return there;
}

async function lastReplaced(data: string): Promise<string | null> {
  const folder = join(data, replacedFolder);
  if (!(await isThere(folder))) return null;
  const last = (await readdir(folder)).sort().at(-1); // by time, and one that is unfinished is the last
  return last === undefined ? null : join(folder, last);
}
