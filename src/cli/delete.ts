// `rejoin delete PROJECT`: deletes a project, or brings a deleted one back (REP-14).

import { Command, Option } from 'commander';
import { counted } from './counted.ts';
import { dataFlag, dataOption } from './flags.ts';
import { operate } from './operate.ts';
import { packageVersion } from '../package-version.ts';
import { shellWord } from '../model/shell-word.ts';

interface DeleteFlags {
  readonly data: string;
  readonly undelete: boolean;
}

export function deleteCommand(): Command {
  return new Command('delete')
    .description('delete a project, on every server it is replicated to; what it holds is kept')
    .argument('<project>', 'the id of the project, or session')
    .addOption(new Option('--undelete', 'bring a deleted project back as it was').default(false))
    .addOption(dataOption())
    .action((id: string, flags: DeleteFlags) => (flags.undelete ? runUndelete : runDelete)(id, flags));
}

async function runDelete(id: string, { data }: DeleteFlags): Promise<void> {
  const doing = { data, doing: 'Deleting the project', isQuiet: false, expected: 'deleted' } as const;
  const { changes } = await operate({ type: 'delete', project: id }, doing);
  print([
    `rejoin ${packageVersion()} deleted ${id}: its ${counted(changes, 'change')} are kept`,
    `  bring it back         rejoin delete ${shellWord(id)} --undelete${dataFlag(data)}`,
    `  remove it for good    rejoin purge ${shellWord(id)}${dataFlag(data)}`,
  ]);
}

async function runUndelete(id: string, { data }: DeleteFlags): Promise<void> {
  const doing = { data, doing: 'Bringing the project back', isQuiet: false, expected: 'undeleted' } as const;
  const { changes } = await operate({ type: 'undelete', project: id }, doing);
  print([`rejoin ${packageVersion()} brought ${id} back, with ${counted(changes, 'change')}`]);
}

function print(lines: readonly string[]): void {
  process.stdout.write([...lines, ''].join('\n'));
}
