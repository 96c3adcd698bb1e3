// Cells of UDT's CSV form: JSON, or else plain text; an empty cell is no value.

import { RejoinError } from '../errors.ts';
import { checkJson, type Json } from '../model/json.ts';
import { printJson } from './udt-json.ts';

/**
 * The value of a cell, or undefined for an empty one.
 * @throws RejoinError `bad-request` for JSON that isn't allowed.
 */
export function readCell(cell: string): Json | undefined {
  if (cell === '') return undefined;
  const parsed = jsonIn(cell);
  if (parsed === undefined || isLongInteger(cell, parsed.value)) return cell;
  try {
    return checkJson(parsed.value);
  } catch (error) {
    if (error instanceof RejoinError) throw new RejoinError(error.code, `a cell is wrong: ${error.message}`);
    throw error;
  }
}

/** The cell that reads as this value. */
export function printCell(value: Json): string {
  if (typeof value !== 'string') return printJson(value);
  const isPlain =
    value !== '' && !hiddenCharacter.test(value) && value.trim() === value && jsonIn(value) === undefined;
  return isPlain ? value : JSON.stringify(value);
}

/** Control characters that spreadsheets and parsers of CSV treat as they like. */
const hiddenCharacter = /(?![\n\t])\p{Cc}|\ufeff/u;

function jsonIn(cell: string): { value: unknown } | undefined {
  if (!/^[\s"{[\-0-9tfn]/.test(cell)) return undefined; // it spares most texts an exception
  try {
    return { value: JSON.parse(cell) };
  } catch {
    return undefined;
  }
}

/** Digits that a number would lose, as those of an id of twenty: they stay text. */
function isLongInteger(cell: string, value: unknown): boolean {
  return typeof value === 'number' && /^-?\d+$/.test(cell) && printJson(value) !== cell;
}
