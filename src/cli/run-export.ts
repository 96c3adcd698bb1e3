// What `rejoin export` does: reads a project, from the data folder or through a server, and writes its UDT file. The
// command loads it when it runs.

import { printUdtCsv } from '../files/print-udt-csv.ts';
import { printUdtJson } from '../files/udt-json.ts';
import type { JsonObject } from '../model/json.ts';
import { warn } from './flags.ts';
import { Progress } from './progress.ts';
import type { Sessions } from './sessions.ts';
import { standardStream, type UdtFormat } from './udt-format.ts';
import { withSessions } from './with-sessions.ts';
import { writeOutput } from './write-output.ts';

export interface ExportOrder {
  readonly id: string;
  /** The file's name; `-` is standard output. */
  readonly file: string;
  readonly format: UdtFormat;
  /** The server to go through; without one it is the folder. */
  readonly server: URL | undefined;
  readonly data: string;
  readonly isPretty: boolean;
  readonly isQuiet: boolean;
}

/** @throws RejoinError that says why the file isn't written. */
export async function runExport({ id, file, format, server, ...order }: ExportOrder): Promise<void> {
  const { data, isPretty, isQuiet } = order;
  const progress = await Progress.open(!isQuiet);
  try {
    const read = (sessions: Sessions): Promise<JsonObject> => {
      progress.start('Reading the project');
      return sessions.read(id);
    };
    const options = { publicUrl: undefined, mustExist: true, onWarning: warn };
    const udt = await withSessions(server, data, options, read);
    const onProgress = progress.start(file === standardStream ? 'Writing' : `Writing ${file}`);
    const json = { indent: isPretty ? '  ' : '', onProgress };
    await writeOutput(file, format === 'csv' ? printUdtCsv(udt, onProgress) : printUdtJson(udt, json));
  } finally {
    progress.stop();
  }
}
