// `rejoin import FILE`: makes a UDT session of a project file.

import { Command, Option } from 'commander';
import { isJsonArray, type JsonObject } from '../model/json.ts';
import { parseProjectId } from '../model/project-id.ts';
import { RejoinError } from '../errors.ts';
import { dataOption, formatOption, publicUrlOption, quietOption, urlOption, warn } from './flags.ts';
import { packageVersion } from './package-version.ts';
import { Progress } from './progress.ts';
import { nameOfInput } from './read-file.ts';
import { readUdtFile } from './read-udt-file.ts';
import { serverSessions } from './server-sessions.ts';
import { serverAskedFor, type PlaceFlags, type Sessions } from './sessions.ts';
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
    .action((file: string, flags: ImportFlags, command: Command) => runImport(file, flags, command));
}

async function runImport(file: string, flags: ImportFlags, command: Command): Promise<void> {
  const format = formatOf(file, flags.format, null);
  const id = flags.project === undefined ? undefined : parseId(flags.project);
  const server = serverAskedFor(flags, command);
  const progress = await Progress.open(!flags.quiet);
  try {
    const udt = await readUdtFile(file, format, progress);
    const create = async (sessions: Sessions): Promise<string> => {
      const made = await sessions.create(udt, id, progress.start('Making the session'));
      return flags.quiet ? `${made}\n` : importedText(file, udt, made, sessions);
    };
    const { withFolder } = await import('./folder-sessions.ts'); // wrong use is told before a server could load
    const { publicUrl } = flags;
    const options = { publicUrl, mustExist: false, onWarning: warn };
    const text = await (server ? create(serverSessions(server)) : withFolder(flags.data, options, create));
    progress.stop();
    process.stdout.write(text);
  } finally {
    progress.stop();
  }
}

function parseId(text: string): string {
  try {
    return parseProjectId(text, '--project');
  } catch (cause) {
    if (!(cause instanceof RejoinError)) throw cause;
    throw new RejoinError('usage', cause.message, { cause });
  }
}

/** The id, and what UDT takes as the "URL to Session". */
function importedText(
  file: string,
  { samples }: JsonObject,
  id: string,
  { baseUrl, place }: Sessions,
): string {
  const count = isJsonArray(samples) ? samples.length : 0;
  return [
    `rejoin ${packageVersion()} imported ${nameOfInput(file)}: ${count} ${count === 1 ? 'sample' : 'samples'}`,
    `  session               ${id}`,
    `  Universal Data Tool   ${baseUrl}/?s=${encodeURIComponent(id)} (Collaborate, Join a Session)`,
    `  in                    ${place}`,
    '',
  ].join('\n');
}
