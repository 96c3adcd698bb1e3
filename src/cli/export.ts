// `rejoin export PROJECT [FILE]`: writes the UDT file of a project.

import { Command, Option } from 'commander';
import { dataOption, formatOption, quietOption, urlOption } from './flags.ts';
import type { ExportOrder } from './run-export.ts';
import { serverAskedFor, type PlaceFlags } from './sessions.ts';
import { formatOf, standardStream, type UdtFormat } from './udt-format.ts';

interface ExportFlags extends PlaceFlags {
  readonly format?: UdtFormat;
  readonly pretty: boolean;
  readonly quiet: boolean;
}

export function exportCommand(): Command {
  return new Command('export')
    .description('write the UDT file of a project')
    .argument('<project>', 'the id of the project, or session')
    .argument('[file]', 'FILE.udt.json or FILE.udt.csv; without it, or with -, standard output')
    .addOption(formatOption("the form to write (default: by the file's name, else json)"))
    .addOption(new Option('--pretty', 'JSON in lines, indented by two spaces').default(false))
    .addOption(dataOption())
    .addOption(urlOption())
    .addOption(quietOption('no progress bar'))
    .action(async (id: string, file: string | undefined, flags: ExportFlags, command: Command) => {
      const order = orderOf(id, file ?? standardStream, flags, command); // wrong use is told before a server could load
      const { runExport } = await import('./run-export.ts');
      await runExport(order);
    });
}

function orderOf(id: string, file: string, flags: ExportFlags, command: Command): ExportOrder {
  const format = formatOf(file, flags.format, file === standardStream ? 'json' : null);
  const server = serverAskedFor(flags, command);
  const { data, pretty: isPretty, quiet: isQuiet } = flags;
  return { id, file, format, server, data, isPretty, isQuiet };
}
