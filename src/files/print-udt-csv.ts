// Prints UDT's CSV form, `.udt.csv`, in pieces: a row per top-level key and per sample, a column per field of samples.
// What has no place of its own there is JSON in a cell, so every project can be printed. `export` calls this.

import papa from 'papaparse';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { printCell } from './csv-cell.ts';
import { isPlainKey } from './csv-path.ts';
import { printJson } from './udt-json.ts';

/** With more columns no spreadsheet is read any more. */
const columnsMax = 256;
const rowsPerPiece = 200;

/**
 * The file as RFC 4180 says. Every row has all the cells and the last one no line break, or readers that guess what
 * separates the cells, as UDT does, may guess wrong.
 * @param onProgress is told how many of the samples are printed.
 */
export function* printUdtCsv(
  udt: JsonObject,
  onProgress?: (done: number, total: number) => void,
): Generator<string> {
  const { samples } = udt;
  const rowsOfSamples = isJsonArray(samples) && samples.length > 0 ? samples : null;
  const columns = columnsOf(rowsOfSamples ?? []);
  const header = ['path', '.', ...columns.names];
  const blank = columns.names.map(() => '');
  yield papa.unparse([header]);

  const { plain, odd } = apart(udt);
  if (odd || Object.keys(udt).length === 0) yield printRows([['.', printJson(odd ?? {}), ...blank]]);
  for (const [key, value] of Object.entries(plain)) {
    if (key === 'samples' && rowsOfSamples) yield* printSamples(rowsOfSamples, columns, onProgress);
    else yield printRows([[key, printCell(value), ...blank]]);
  }
}

function* printSamples(
  samples: readonly Json[],
  columns: Columns,
  onProgress: ((done: number, total: number) => void) | undefined,
): Generator<string> {
  for (let start = 0; start < samples.length; start += rowsPerPiece) {
    const part = samples.slice(start, start + rowsPerPiece);
    yield printRows(part.map((sample, i) => [`samples.${start + i}`, ...columns.cellsOf(sample)]));
    onProgress?.(start + part.length, samples.length);
  }
}

const lineBreak = '\r\n';

/** Rows behind the header. */
function printRows(rows: string[][]): string {
  return lineBreak + papa.unparse(rows, { newline: lineBreak });
}

/** Which fields of samples have a column, by the names of the columns. */
class Columns {
  private readonly places: ReadonlyMap<string, number>;

  constructor(
    readonly names: readonly string[],
    private readonly goesInto: boolean,
  ) {
    this.places = new Map(names.map((name, i) => [name, i + 1]));
  }

  /** The cells of a sample: what has no column comes first, as JSON. */
  cellsOf(sample: Json): string[] {
    const cells = new Array<string>(this.names.length + 1).fill('');
    if (!isJsonObject(sample) || Object.keys(sample).length === 0) {
      cells[0] = printCell(sample);
      return cells;
    }
    const rest: Record<string, Json> = {};
    for (const [key, value] of Object.entries(sample)) {
      if (!isPlainKey(key)) {
        rest[key] = value;
        continue;
      }
      for (const [name, field] of fieldsOf(key, value, this.goesInto)) {
        const place = this.places.get(name);
        if (place === undefined) rest[key] = value;
        else cells[place] = printCell(field);
      }
    }
    if (Object.keys(rest).length > 0) cells[0] = printJson(rest);
    return cells;
  }
}

/** Fields inside objects have columns of their own, unless that makes too many. */
function columnsOf(samples: readonly Json[]): Columns {
  const deep = namesOf(samples, true);
  if (deep) return new Columns([...deep], true);
  const shallow = namesOf(samples, false);
  return new Columns(shallow ? [...shallow] : [], false);
}

/** The names of all fields, or null if they are too many. */
function namesOf(samples: readonly Json[], goesInto: boolean): ReadonlySet<string> | null {
  const names = new Set<string>();
  for (const sample of samples) {
    if (!isJsonObject(sample)) continue;
    for (const [key, value] of Object.entries(sample)) {
      if (!isPlainKey(key)) continue;
      for (const [name] of fieldsOf(key, value, goesInto)) names.add(name);
    }
    if (names.size > columnsMax) return null;
  }
  return names;
}

/** A value under its column's name, or the fields inside it under theirs. */
function* fieldsOf(name: string, value: Json, goesInto: boolean): Generator<[name: string, field: Json]> {
  if (!goesInto || !isJsonObject(value) || !hasPlainKeys(value)) {
    yield [name, value];
    return;
  }
  for (const [key, member] of Object.entries(value)) yield* fieldsOf(`${name}.${key}`, member, goesInto);
}

function hasPlainKeys(value: JsonObject): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every(isPlainKey);
}

/** The members of the file that can have a row of their own, and those that can't. */
function apart(udt: JsonObject): { plain: JsonObject; odd: JsonObject | undefined } {
  const entries = Object.entries(udt);
  const odd = entries.filter(([key]) => !isPlainKey(key));
  return {
    plain: Object.fromEntries(entries.filter(([key]) => isPlainKey(key))),
    odd: odd.length > 0 ? Object.fromEntries(odd) : undefined,
  };
}
