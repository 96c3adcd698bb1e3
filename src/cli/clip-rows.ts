// The rows of a report file as entries have them: a clip and its fields. `rejoin upload` calls it.

import { RejoinError } from '../errors.ts';
import type { Report, ReportRow } from '../files/read-report.ts';

export interface ClipRow {
  /** Where it is in the file, for people. */
  readonly place: string;
  readonly clipId: string;
  /** The fields but for the clip. */
  readonly content: Readonly<Record<string, string>>;
  /** What tells the row from all others: its value in the column that was given for that. */
  readonly key: string | null;
}

/** The column that identifies rows. */
export interface KeyColumn {
  readonly name: string;
  /** Whether it is the one that names the clip. */
  readonly isClip: boolean;
}

export interface ClipRows {
  readonly rows: readonly ClipRow[];
  readonly key: KeyColumn | null;
}

export interface ColumnChoice {
  /** The column that names the clip; if it isn't given `clip_id`, else the first. */
  readonly clip: string | undefined;
  /** The column that identifies rows. */
  readonly key: string | undefined;
}

/** A frame of 16 MiB must hold it, in UTF-8, with what stands around it. */
const rowBytesMax = 15 * 1024 * 1024;

/**
 * @throws RejoinError `usage` for a column that isn't there, `too-large` for a row that no server takes, `bad-request` for a row without clip or key, and for two rows
 *   with one key.
 */
export function clipRows(report: Report, choice: ColumnChoice): ClipRows {
  const clip = clipColumn(report, choice.clip);
  if (choice.key !== undefined) checkColumn(report, choice.key, '--key');
  const rows = report.rows.map((row): ClipRow => {
    const { place, fields } = row;
    checkSize(row);
    const content = Object.fromEntries([...fields].filter(([name]) => name !== clip));
    return { place, clipId: valueOf(row, clip), content, key: keyOf(row, choice.key) };
  });
  checkKeys(rows, choice.key);
  return { rows, key: choice.key === undefined ? null : { name: choice.key, isClip: choice.key === clip } };
}

function clipColumn(report: Report, asked: string | undefined): string {
  if (asked !== undefined) {
    checkColumn(report, asked, '--clip');
    return asked;
  }
  return report.columns.includes('clip_id') ? 'clip_id' : (report.columns[0] ?? 'clip_id');
}

function checkColumn({ columns }: Report, name: string, flag: string): void {
  if (columns.includes(name)) return;
  const there = columns.map((column) => JSON.stringify(column)).join(', ');
  throw new RejoinError(
    'usage',
    `has no column ${JSON.stringify(name)} (${flag}), but ${there || 'none at all'}`,
  );
}

function checkSize({ place, fields }: ReportRow): void {
  const bytes = Buffer.byteLength(JSON.stringify([...fields]));
  if (bytes > rowBytesMax)
    throw new RejoinError(
      'too-large',
      `has at ${place} a row of ${bytes} bytes; at most ${rowBytesMax} are possible`,
    );
}

function valueOf({ place, fields }: ReportRow, column: string): string {
  const value = fields.get(column);
  if (value !== undefined) return value;
  throw new RejoinError('bad-request', `has at ${place} a row without ${JSON.stringify(column)}`);
}

function keyOf(row: ReportRow, column: string | undefined): string | null {
  if (column === undefined) return null;
  const key = valueOf(row, column);
  if (key !== '') return key;
  throw new RejoinError(
    'bad-request',
    `has at ${row.place} a row with nothing in ${JSON.stringify(column)}, which should identify it`,
  );
}

function checkKeys(rows: readonly ClipRow[], column: string | undefined): void {
  const places = new Map<string, string>();
  for (const { key, place } of rows) {
    if (key === null) continue;
    const other = places.get(key);
    if (other !== undefined)
      throw new RejoinError(
        'bad-request',
        `has ${JSON.stringify(key)} in ${JSON.stringify(column)} twice, at ${other} and ${place}: it should identify a row`,
      );
    places.set(key, place);
  }
}
