// `rejoin backup DIR`: copies the database as it is at one moment, while the server goes on.

import { resolve } from 'node:path';
import { Command } from 'commander';
import { RejoinError } from '../errors.ts';
import { counted, printContents } from './counted.ts';
import { folderName } from './flag-values.ts';
import { dataOption, quietOption, warn } from './flags.ts';
import { operate } from './operate.ts';
import { packageVersion } from '../package-version.ts';
import { shellWord } from '../model/shell-word.ts';

interface BackupFlags {
  readonly data: string;
  readonly quiet: boolean;
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('copy the database as it is now into an empty folder, also while the server runs')
    .argument('<folder>', 'where to; it is made if there is none', folderName)
    .addOption(dataOption())
    .addOption(quietOption('no progress bar, and nothing on standard output'))
    .action((folder: string, flags: BackupFlags) => runBackup(folder, flags));
}

async function runBackup(folder: string, { data, quiet: isQuiet }: BackupFlags): Promise<void> {
  const { damagedFiles } = await import('../store/damaged-files.ts'); // opening mends them: nobody could tell afterwards
  const damaged = await damagedFiles(data);
  const outcome = await operate(
    { type: 'backup', folder: resolve(folder) },
    {
      data,
      doing: `Writing ${folder}`,
      isQuiet,
      expected: 'backed-up',
      onStep: (step) => step.type === 'damage' && warn(step.detail),
    },
  );
  if (!isQuiet)
    process.stdout.write(
      [
        `rejoin ${packageVersion()} backed up ${data}: ${printContents(outcome)}`,
        `  in                    ${folder}`,
        `  use it                rejoin restore ${shellWord(folder)} --data FOLDER`,
        '',
      ].join('\n'),
    );
  if (damaged.length > 0)
    throw new RejoinError(
      'damaged',
      'The backup is made, but the files of the database were damaged, so that changes may be missing, here and in it: see `rejoin verify`',
    );
  if (outcome.damaged > 0)
    throw new RejoinError(
      'damaged',
      `The backup is made, but ${counted(outcome.damaged, 'entry is', 'entries are')} damaged, here and in it: see \`rejoin verify\``,
    );
}
