// `rejoin restore DIR`: puts a backup, or a copy of a data folder, in place as a data folder of its own life (REP-8).

import { Command, Option } from 'commander';
import { RejoinError } from '../errors.ts';
import type { RestoreReport } from '../store/restore.ts';
import { printContents } from './counted.ts';
import { dataOption, quietOption, warn } from './flags.ts';
import { packageVersion } from '../package-version.ts';
import { shellWord } from '../model/shell-word.ts';
import { Progress } from './progress.ts';

interface RestoreFlags {
  readonly data: string;
  readonly replace: boolean;
  readonly quiet: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('put a backup, or a copy of a data folder, in place as a data folder with a new server id')
    .argument('<folder>', 'the backup')
    .addOption(
      new Option('--replace', 'put aside the database that is there already; it is kept').default(false),
    )
    .addOption(dataOption())
    .addOption(quietOption('no progress bar, and nothing on standard output'))
    .action((folder: string, flags: RestoreFlags) => runRestore(folder, flags));
}

async function runRestore(from: string, { data, replace, quiet }: RestoreFlags): Promise<void> {
  const [{ restore }, { realEnvironment }] = await Promise.all([
    import('../store/restore.ts'),
    import('../model/environment.ts'),
  ]);
  const progress = await Progress.open(!quiet);
  try {
    const onProgress = progress.start(`Restoring ${from}`);
    const report = await restore(from, data, {
      environment: realEnvironment,
      isReplacing: replace,
      onProgress,
    });
    progress.stop();
    report.warnings.forEach(warn);
    if (!quiet) process.stdout.write(printReport(from, data, report));
    if (report.isDamaged)
      throw new RejoinError(
        'damaged',
        `What was restored was damaged, so that changes may be missing: fetch them back from another server, or restore an older backup`,
      );
  } finally {
    progress.stop();
  }
}

function printReport(from: string, data: string, report: RestoreReport): string {
  const { previousServerId, serverId, replaced } = report;
  const instead = previousServerId === null ? 'the old one is lost' : `it was ${previousServerId}`;
  return [
    `rejoin ${packageVersion()} restored ${from} into ${data}`,
    `  it holds              ${printContents(report)}`,
    `  server id             ${serverId}, from now on (${instead})`,
    ...(replaced === null ? [] : [`  what was there        is in ${replaced}`]),
    `  start it              rejoin --data ${shellWord(data)}`,
    `  fetch back the rest   rejoin --data ${shellWord(data)} --peer URL: other servers have what was written after the backup`,
    '',
  ].join('\n');
}
