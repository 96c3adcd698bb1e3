// What `rejoin import` does: reads the file and makes a session of it, in the data folder or behind a server. The command
// loads it when it runs.

import { isJsonArray, type JsonObject } from '../model/json.ts';
import { packageVersion } from '../package-version.ts';
import { warn } from './flags.ts';
import { Progress } from './progress.ts';
import { nameOfInput } from './read-file.ts';
import { readUdtFile } from './read-udt-file.ts';
import type { Sessions } from './sessions.ts';
import type { UdtFormat } from './udt-format.ts';
import { withSessions } from './with-sessions.ts';

export interface ImportOrder {
  /** The file's name; `-` is standard input. */
  readonly file: string;
  readonly format: UdtFormat;
  /** The id that the session shall have; without one it gets a new one. */
  readonly id: string | undefined;
  /** The server to go through; without one it is the folder. */
  readonly server: URL | undefined;
  readonly data: string;
  readonly publicUrl: URL | undefined;
  readonly isQuiet: boolean;
}

/** @throws RejoinError that says why there is no session. */
export async function runImport({ file, format, id, server, ...order }: ImportOrder): Promise<void> {
  const { data, publicUrl, isQuiet } = order;
  const progress = await Progress.open(!isQuiet);
  try {
    const udt = await readUdtFile(file, format, progress);
    const create = async (sessions: Sessions): Promise<string> => {
      const made = await sessions.create(udt, id, progress.start('Making the session'));
      return isQuiet ? `${made}\n` : importedText(file, udt, made, sessions);
    };
    const options = { publicUrl, mustExist: false, onWarning: warn };
    const text = await withSessions(server, data, options, create);
    progress.stop();
    process.stdout.write(text);
  } finally {
    progress.stop();
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
