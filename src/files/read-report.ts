// Reads a report, a table of rows with named fields, from CSV or JSON. `rejoin upload` calls it.

import { RejoinError } from '../errors.ts';
import { escapeKey, isJsonArray, isJsonObject, type Json } from '../model/json.ts';
import { atLine, lineOf, parseCsvTable } from './csv-table.ts';
import { parseJsonText } from './json-text.ts';

export interface Report {
  /** In the order of the file. */
  readonly columns: readonly string[];
  readonly rows: readonly ReportRow[];
}

export interface ReportRow {
  /** Where it is in the file, for people: `line 7`, or in JSON its path, `/5`. */
  readonly place: string;
  /** By column. In CSV all columns, in JSON those that the row has. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * CSV with the names of the columns in its first line; rows without anything in them are left out.
 * @throws RejoinError `bad-request` that says in which line it is wrong, and what would be right.
 */
export function readReportCsv(text: string): Report {
  if (text.trim() === '') throw new RejoinError('bad-request', 'is empty');
  const table = parseCsvTable(text);
  const [columns = [], ...rows] = table.rows;
  atLine(table, 0, () => checkColumns(columns));
  const isTableOfLines = !text.includes('"'); // no cell spans two lines
  const read = rows.map((cells, index): ReportRow | null => {
    if (cells.every((cell) => cell === '')) return null;
    const beyond = cells.slice(columns.length);
    if (beyond.some((cell) => cell !== ''))
      atLine(table, index + 1, () => {
        throw new RejoinError('bad-request', `there are more cells than the header has: ${columns.length}`);
      });
    const place = `line ${isTableOfLines ? index + 2 : lineOf(table, index + 1)}`;
    return { place, fields: new Map(columns.map((column, i) => [column, cells[i] ?? ''])) };
  });
  return { columns, rows: read.filter((row) => row !== null) };
}

/**
 * JSON: a list of flat objects. Numbers and booleans become strings; a null is as if the field weren't there.
 * @throws RejoinError `bad-request` that says where it is wrong, and what would be right.
 */
export function readReportJson(text: string): Report {
  if (text.trim() === '') throw new RejoinError('bad-request', 'is empty');
  const list = parseJsonText(text);
  if (!isJsonArray(list))
    throw new RejoinError('bad-request', 'should be a JSON list of rows: [{"clip_id": "11b", …}, …]');
  const rows = list.map((row, index): ReportRow => {
    const place = `/${index}`;
    if (!isJsonObject(row))
      throw new RejoinError('bad-request', `has at ${place} no row: it should be an object of fields`);
    const fields = Object.entries(row).map(([name, value]): [string, string | null] => [
      name,
      textOf(value, `${place}/${escapeKey(name)}`),
    ]);
    return { place, fields: new Map(fields.filter((field): field is [string, string] => field[1] !== null)) };
  });
  return { columns: [...new Set(rows.flatMap(({ fields }) => [...fields.keys()]))], rows };
}

function checkColumns(columns: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [index, name] of columns.entries()) {
    const number = index + 1;
    if (name.trim() === '')
      throw new RejoinError('bad-request', `column ${number} has no name: give it one, or remove it`);
    if (name === '__proto__')
      throw new RejoinError('bad-request', `column ${number} can't be named __proto__`);
    const other = seen.get(name);
    if (other !== undefined)
      throw new RejoinError(
        'bad-request',
        `columns ${other} and ${number} are both named ${JSON.stringify(name)}: give one another name`,
      );
    seen.set(name, number);
  }
}

/** @param path of the value, for errors. */
function textOf(value: Json, path: string): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number')
    throw new RejoinError(
      'bad-request',
      `has at ${path} ${isJsonArray(value) ? 'a list' : 'an object'}: a field should be a text, a number, true or false`,
    );
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new RejoinError(
      'bad-request',
      `has at ${path} a number whose last digits would be lost: put it in quotation marks`,
    );
  return String(value);
}
