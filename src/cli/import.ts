// `rejoin import FILE`: makes a UDT session of a project file.

import { Command, Option } from 'commander';
import { RejoinError } from '../errors.ts';
import { parseProjectId } from '../model/project-id.ts';
import { dataOption, formatOption, publicUrlOption, quietOption, urlOption } from './flags.ts';
import type { ImportOrder } from './run-import.ts';
import { serverAskedFor, type PlaceFlags } from './sessions.ts';
import { formatOf, type UdtFormat } from './udt-format.ts';

interface ImportFlags extends PlaceFlags {
  readonly project?: string;
  readonly format?: UdtFormat;
  readonly publicUrl?: URL;
  readonly quiet: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .description('make a UDT session of a project file')
    .argument('<file>', 'FILE.udt.json or FILE.udt.csv; - is standard input')
    .addOption(new Option('--project <id>', 'the id that the session shall have (default: a new one)'))
    .addOption(formatOption("the file's form (default: by its name)"))
    .addOption(dataOption())
    .addOption(urlOption())
    .addOption(publicUrlOption('address that users reach the server at'))
    .addOption(quietOption('no progress bar, and only the id on standard output'))
    .action(async (file: string, flags: ImportFlags, command: Command) => {
      const order = orderOf(file, flags, command); // wrong use is told before what reads and stores could load
      const { runImport } = await import('./run-import.ts');
      await runImport(order);
    });
}

function orderOf(file: string, flags: ImportFlags, command: Command): ImportOrder {
  const format = formatOf(file, flags.format, null);
  const id = flags.project === undefined ? undefined : parseId(flags.project);
  const server = serverAskedFor(flags, command);
  const { data, publicUrl, quiet: isQuiet } = flags;
  return { file, format, id, server, data, publicUrl, isQuiet };
}

function parseId(text: string): string {
  try {
    return parseProjectId(text, '--project');
  } catch (cause) {
    if (!(cause instanceof RejoinError)) throw cause;
    throw new RejoinError('usage', cause.message, { cause });
  }
}
