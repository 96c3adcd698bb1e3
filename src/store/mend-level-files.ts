// Brings a damaged database into a state in which LevelDB opens what is left of it and serves nothing that is known to be
// wrong. Called by the data folder, behind the evidence.

import { open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LevelStore } from './level.ts';
import { fileNames, type Mending } from './level-files.ts';
import type { Block } from './level-table.ts';

export async function mendLevelFiles(folder: string, mending: Mending): Promise<void> {
  if (mending.current !== null) await replaceFile(join(folder, fileNames.current), `${mending.current}\n`);
  if (mending.needsRepair) await repairLevelFiles(folder, mending);
}

/**
 * LevelDB's own repair makes tables of the logs and a new list of the tables it finds. It doesn't look at checksums, so
 * what fails them must be out of its way.
 */
export async function repairLevelFiles(
  folder: string,
  { logsEnd, unreadableTables, badBlocks }: Omit<Mending, 'current' | 'needsRepair'>,
): Promise<void> {
  for (const [log, end] of logsEnd) await truncate(join(folder, log), end);
  for (const table of unreadableTables) await rm(join(folder, table), { force: true });
  for (const [table, blocks] of badBlocks) await spoilBlocks(join(folder, table), blocks);
  await LevelStore.repair(folder);
  await rm(join(folder, 'lost'), { recursive: true, force: true }); // where repair puts what it replaced: all of it is evidence
  // A repaired database looks into its tables in the order of their numbers, which may not be that of the writes: made
  // one, they say the same in any order. It also writes anew what had a damaged index or filter.
  const store = await LevelStore.open(folder);
  try {
    await store.compact({ from: Buffer.from([0]), before: Buffer.from([0xff]) });
  } finally {
    await store.close();
  }
}

/** Gives blocks a type that LevelDB doesn't know, so that it skips them: it would take damaged keys for good. */
async function spoilBlocks(path: string, blocks: readonly Block[]): Promise<void> {
  const bytes = await readFile(path);
  for (const { at, length } of blocks) bytes[at + length] = 0xff;
  await replaceFile(path, bytes); // another name for the same file is evidence
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.mend`;
  await writeFile(draft, content);
  const file = await open(draft, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
