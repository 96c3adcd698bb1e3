// `rejoin export PROJECT [FILE]`: writes the UDT file of a project.

import { Command, Option } from 'commander';
import { printUdtCsv } from '../files/print-udt-csv.ts';
import { printUdtJson } from '../files/udt-json.ts';
import type { JsonObject } from '../model/json.ts';
import { dataOption, formatOption, quietOption, urlOption, warn } from './flags.ts';
import { Progress } from './progress.ts';
import { serverSessions } from './server-sessions.ts';
import { serverAskedFor, type PlaceFlags, type Sessions } from './sessions.ts';
import { formatOf, standardStream, type UdtFormat } from './udt-format.ts';
import { writeOutput } from './write-output.ts';

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
    .action((id: string, file: string | undefined, flags: ExportFlags, command: Command) =>
      runExport(id, file ?? standardStream, flags, command),
    );
}

async function runExport(id: string, file: string, flags: ExportFlags, command: Command): Promise<void> {
  const format = formatOf(file, flags.format, file === standardStream ? 'json' : null);
  const server = serverAskedFor(flags, command);
  const progress = await Progress.open(!flags.quiet);
  try {
    const read = (sessions: Sessions): Promise<JsonObject> => {
      progress.start('Reading the project');
      return sessions.read(id);
    };
    const { withFolder } = await import('./folder-sessions.ts'); // wrong use is told before a server could load
    const options = { publicUrl: undefined, mustExist: true, onWarning: warn };
    const udt = await (server ? read(serverSessions(server)) : withFolder(flags.data, options, read));
    const onProgress = progress.start(file === standardStream ? 'Writing' : `Writing ${file}`);
    const json = { indent: flags.pretty ? '  ' : '', onProgress };
    await writeOutput(file, format === 'csv' ? printUdtCsv(udt, onProgress) : printUdtJson(udt, json));
  } finally {
    progress.stop();
  }
}
