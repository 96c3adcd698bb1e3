// Tries whether the disk under a LevelDB folder takes writes again, by writing a scratch file. The store does it before
// it lets go of a database that can still be read.

import { open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What opening writes beside the content of the logs: the manifest, a new log, the ends of tables. */
const openingBytes = 64 * 1024;
const chunkBytes = 64 * 1024;

/**
 * Writes as much as opening the database will: LevelDB makes a table of each log that it finds.
 * @throws what the disk says.
 */
export async function probeDisk(folder: string): Promise<void> {
  const path = join(folder, 'REJOIN-PROBE');
  const wantedBytes = openingBytes + (await bytesOfLogs(folder));
  const file = await open(path, 'w');
  try {
    await unlink(path); // at once: a process that dies here leaves nothing behind
    const chunk = Buffer.alloc(chunkBytes, 0xa5); // not zeros, which some file systems don't store
    for (let bytes = 0; bytes < wantedBytes; bytes += chunk.length) await file.writeFile(chunk);
    await file.datasync(); // as LevelDB does for each batch
  } finally {
    await file.close();
  }
}

async function bytesOfLogs(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    if (name.endsWith('.log')) bytes += (await stat(join(folder, name))).size;
  }
  return bytes;
}
