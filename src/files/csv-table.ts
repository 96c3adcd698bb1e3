// CSV text as rows of cells, and the lines of the file that they are in. The readers of CSV files call it.

import papa from 'papaparse';
import { RejoinError } from '../errors.ts';

export interface CsvTable {
  /** The header first. */
  readonly rows: readonly (readonly string[])[];
  readonly text: string;
  readonly delimiter: string;
}

/**
 * @param delimiter what stands between cells; guessed unless given.
 * @throws RejoinError `bad-request` that names the line of a cell whose quotation marks are wrong.
 */
export function parseCsvTable(
  text: string,
  delimiter = papa.parse(text, { preview: 20, skipEmptyLines: 'greedy' }).meta.delimiter,
): CsvTable {
  const { data, errors } = papa.parse<string[]>(text, { delimiter });
  const error = errors.find(({ type }) => type === 'Quotes');
  if (!error) return { rows: data, text, delimiter };
  const line = 1 + linesIn(text.slice(0, error.index ?? 0));
  const problem =
    error.code === 'MissingQuotes'
      ? 'a cell begins with a quotation mark that is never closed'
      : 'a cell in quotation marks has one inside, which should be doubled';
  throw new RejoinError('bad-request', `line ${line}: ${problem}`);
}

/** Says in which line an error is. @param rowIndex of the row that is read: 0 for the header. */
export function atLine<T>(table: CsvTable, rowIndex: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RejoinError)) throw error;
    const line = lineOf(table, rowIndex);
    throw new RejoinError(error.code, `line ${line}: ${error.message}`, { cause: error });
  }
}

/** The line in which a row begins: rows may span several. */
export function lineOf({ text, delimiter }: CsvTable, rowIndex: number): number {
  if (rowIndex === 0) return 1;
  const { cursor } = papa.parse(text, { delimiter, preview: rowIndex, fastMode: false }).meta;
  return 1 + linesIn(text.slice(0, cursor));
}

function linesIn(text: string): number {
  return text.split(/\r\n|\r|\n/).length - 1;
}
