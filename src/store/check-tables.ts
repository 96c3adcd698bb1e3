// Checks all tables of a database, every block by its CRC: LevelDB returns flipped bits without a word. The scrub does so slowly in
// the background, a verification at once.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { fileNames } from './level-files.ts';
import { readManifest } from './level-manifest.ts';
import { checkTable } from './level-table.ts';
import { isMissing } from './marker.ts';

export interface TableChecks {
  /** Is told of each damaged file. */
  readonly onDamage: (name: string, problem: string) => void;
  /** Is awaited after so many bytes. What it throws ends the check. */
  readonly pace: (bytes: number) => Promise<void>;
  readonly stopping: AbortSignal;
}

/** @returns the names of all tables. @throws whatever the signal was aborted with. */
export async function checkTables(
  folder: string,
  { onDamage, pace, stopping }: TableChecks,
): Promise<readonly string[]> {
  const names = await namesOfTables(folder, onDamage);
  for (const name of names) {
    stopping.throwIfAborted();
    try {
      const { problems } = await checkTable(join(folder, name), { withData: true, pace });
      if (problems.length > 0) onDamage(name, problems.join(', and '));
    } catch (error) {
      stopping.throwIfAborted();
      // Replaced by a newer one meanwhile.
      if (!isMissing(error)) onDamage(name, `it can't be read: ${messageOf(error)}`);
    }
  }
  return names;
}

/** Those that are finished: LevelDB names a table in its MANIFEST when all of it is on disk. */
async function namesOfTables(folder: string, onDamage: TableChecks['onDamage']): Promise<readonly string[]> {
  try {
    const current = await readFile(join(folder, fileNames.current), 'latin1');
    const { tables } = await readManifest(join(folder, current.trimEnd()));
    const names = await readdir(folder);
    return names.filter((name) => tables.has(Number(fileNames.table.exec(name)?.[1])));
  } catch (error) {
    onDamage(fileNames.current, `the list of tables can't be read: ${messageOf(error)}`);
    return [];
  }
}
