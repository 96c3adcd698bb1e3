// Reads a UDT project file, or standard input, as a whole. `import` calls it.

import { readUdtCsv } from '../files/read-udt-csv.ts';
import { readUdtJson } from '../files/udt-json.ts';
import type { JsonObject } from '../model/json.ts';
import type { Progress } from './progress.ts';
import { readFileAs } from './read-file.ts';
import type { UdtFormat } from './udt-format.ts';

/** @throws RejoinError `not-found`, `too-large`, `bad-request`: one sentence that names the file. */
export async function readUdtFile(file: string, format: UdtFormat, progress: Progress): Promise<JsonObject> {
  return readFileAs(file, progress, format === 'csv' ? readUdtCsv : readUdtJson);
}
