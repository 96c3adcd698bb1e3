// `rejoin purge PROJECT`: removes for good what a deleted project still holds (REP-14).

import { Command, Option } from 'commander';
import type { OutcomeOf } from '../core/operations.ts';
import { RejoinError } from '../errors.ts';
import { counted, printBytes, printMoment } from './counted.ts';
import { dataFlag, dataOption, quietOption } from './flags.ts';
import { operate } from './operate.ts';
import { packageVersion } from '../package-version.ts';
import { shellWord } from '../model/shell-word.ts';

interface PurgeFlags {
  readonly data: string;
  readonly yes: boolean;
  readonly quiet: boolean;
}

export function purgeCommand(): Command {
  return new Command('purge')
    .description('remove for good what a deleted project still holds, here')
    .argument('<project>', 'the id of the project, or session')
    .addOption(new Option('--yes', 'do it; without it, it only says what would be lost').default(false))
    .addOption(dataOption())
    .addOption(quietOption('no progress bar'))
    .action((id: string, flags: PurgeFlags) => runPurge(id, flags));
}

async function runPurge(id: string, { data, yes, quiet: isQuiet }: PurgeFlags): Promise<void> {
  if (!yes) {
    const looking = { data, doing: 'Looking what there is', isQuiet, expected: 'weighed' } as const;
    throw refusal(id, data, await operate({ type: 'weigh', project: id }, looking));
  }
  const removing = { data, doing: 'Removing the project', isQuiet, expected: 'purged' } as const;
  const { entries } = await operate({ type: 'purge', project: id }, removing);
  process.stdout.write(
    [
      `rejoin ${packageVersion()} removed ${id} for good: ${counted(entries, 'entry', 'entries')} of the database`,
      '  other servers         are told that nothing brings it back; what they hold, `rejoin purge` removes there',
      '  backups               still hold what they held',
      '',
    ].join('\n'),
  );
}

function refusal(
  id: string,
  data: string,
  { deletedMs, isPurged, changes, bytes }: OutcomeOf<'weighed'>,
): RejoinError {
  const name = JSON.stringify(id);
  if (isPurged) return new RejoinError('deleted', `The project ${name} was removed for good already`);
  const lost = `${counted(changes, 'change')}, ${printBytes(bytes)} on disk`;
  if (deletedMs === null)
    return new RejoinError(
      'conflict',
      `The project ${name} is not deleted (${lost}): only a deleted project can be removed for good; delete it first: rejoin delete ${shellWord(id)}${dataFlag(data)}`,
    );
  return new RejoinError(
    'usage',
    `This removes the project ${name} for good, deleted at ${printMoment(deletedMs)}: ${lost}. Nothing brings it back but a backup, under another id. If that is meant, add --yes`,
  );
}
