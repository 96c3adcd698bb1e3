// How much of the disk the data folder takes, and how much is left: for metrics.

import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** The bytes of all files below a folder. Files that LevelDB removes meanwhile count as nothing. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) bytes += found.size;
  }
  return bytes;
}

/** The bytes that a process without privileges can still write to the folder's disk. */
export async function bytesFree(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
