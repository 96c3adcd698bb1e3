// Reads UDT's CSV form, `.udt.csv`. The first column says which part of the file a row is, the header which part of
// that a column is: docs/import-export.md. A table without paths is a list of samples. `import` calls this.

import { RejoinError } from '../errors.ts';
import { checkJson, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { readCell } from './csv-cell.ts';
import { CsvPaths, type CsvPath } from './csv-path.ts';
import { atLine, parseCsvTable } from './csv-table.ts';
import { JsonBuilder } from './json-builder.ts';

/**
 * Reads the text of a `.udt.csv` file, which has no byte order mark any more.
 * @throws RejoinError `bad-request` that says in which line it is wrong, and what would be right.
 */
export function readUdtCsv(text: string): JsonObject {
  if (text.trim() === '') throw new RejoinError('bad-request', 'is empty');
  const table = parseCsvTable(text, delimiterOf(text));
  const { rows } = table;
  const [first = []] = rows;
  const hasPaths = pathHeaders.includes(first[0] ?? '');
  if (first[0] === 'path (column first)') throw new RejoinError('bad-request', columnFirst);
  const header = atLine(table, 0, () => readHeader(hasPaths ? first.slice(1) : first, hasPaths));
  const builder = new JsonBuilder(rows.length * (first.length + 1) + 1000);
  const rowPaths = new CsvPaths();
  for (let i = 1; i < rows.length; i++) {
    const row = rows[i] ?? [];
    if (row.every((cell) => cell === '')) continue;
    atLine(table, i, () => {
      if (hasPaths) setRow(builder, rowPaths.next(pathOf(row)), header, row.slice(1));
      else setRow(builder, rowPaths.next('samples.*'), header, row);
    });
  }
  const udt = builder.finish();
  const value = checkJson(hasPaths ? udt : sampleTable(udt));
  return value as JsonObject;
}

const pathHeaders: readonly string[] = ['path', 'jac_csv_path'];
const columnFirst = 'has its paths in the first line ("path (column first)"): swap lines and columns';

/** What follows "path" in the first cell; without that it is guessed, as in UDT. */
function delimiterOf(text: string): string | undefined {
  const [, following] = /^"?(?:path|jac_csv_path)"?([,;	|])/.exec(text) ?? [];
  return following;
}

function readHeader(names: readonly string[], hasPaths: boolean): readonly CsvPath[] {
  const paths = new CsvPaths();
  return names.map((name, i) => {
    if (name.trim() === '' && !hasPaths)
      throw new RejoinError('bad-request', `column ${i + 1} has no name: give it one, or remove it`);
    return paths.next(name);
  });
}

function pathOf(row: readonly string[]): string {
  const [path = ''] = row;
  if (path.trim() !== '') return path;
  throw new RejoinError(
    'bad-request',
    'the first cell should say which part of the file this is, such as samples.0',
  );
}

function setRow(
  builder: JsonBuilder,
  rowPath: CsvPath,
  header: readonly CsvPath[],
  cells: readonly string[],
): void {
  for (const [i, cell] of cells.entries()) {
    const value = readCell(cell);
    if (value === undefined) continue;
    const column = header[i];
    if (!column)
      throw new RejoinError('bad-request', `there are more cells than the header has: ${header.length}`);
    builder.set([...rowPath, ...column], value);
  }
}

/** A table of samples, of any origin: names of columns that UDT takes for its own become so. */
function sampleTable({ samples = [] }: JsonObject): JsonObject {
  const list = Array.isArray(samples) ? samples.map((sample: Json) => withUdtNames(sample)) : samples;
  return { interface: {}, samples: list };
}

function withUdtNames(sample: Json): Json {
  if (!isJsonObject(sample)) return sample;
  return Object.fromEntries(
    Object.entries(sample).map(([key, value]) => {
      const name = udtNameOf(key);
      return [Object.hasOwn(sample, name) ? key : name, value];
    }),
  );
}

function udtNameOf(key: string): string {
  const name = key.toLowerCase().replaceAll(' ', '_');
  if (imageNames.includes(name)) return 'imageUrl';
  return name === 'text' ? 'document' : key;
}

const imageNames: readonly string[] = [
  'image_url',
  'image_urls',
  'image',
  'image_src',
  'img_url',
  'img',
  'img_src',
];
