// Making a folder that somebody has named, with those it is in. Node's own way to do that, `mkdir` with `recursive`, goes on for ever
// where a folder takes no new one and says that there is none, as /proc does (Node 20).

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../errors.ts';

/**
 * @returns whether the folder was made; else it was there.
 * @throws what `mkdir` throws.
 */
export async function makeFolders(path: string): Promise<boolean> {
  try {
    return await makeFolder(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  await makeFolders(dirname(path));
  return makeFolder(path);
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}
