// Paths in UDT's CSV form (JAC, "JSON as CSV"): `samples.0`, `samples[0]`, `annotation["odd.key"]`, `samples.*`. Reading
// and writing of CSV call this.

import { RejoinError } from '../errors.ts';

/** The keys that lead to a value; a list's index is a key of digits. */
export type CsvPath = readonly string[];

/** A `*`, which stands for the next index, or as part of the way for the last one. */
const star = Symbol('*');
type OpenPath = readonly (string | typeof star)[];

const index = /^(?:0|[1-9]\d*)$/;

export function isIndex(key: string): boolean {
  return index.test(key);
}

/**
 * Whether a column's path may have the key as it is, and means the same to every reader: also to those who guess what
 * separates the cells by the first lines.
 */
export function isPlainKey(key: string): boolean {
  return (
    /^[^.[\]*"'\\;|\p{Cc}]+$/u.test(key) && key.trim() === key && !isIndex(key) && !reservedKeys.includes(key)
  );
}

/** UDT's library leaves these out. */
const reservedKeys: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** What a path consists of: a name, or something in brackets. */
const part = /\.?(?:([^.[\]]+)|\[(?:(\d+|\*)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\])/y;

/** @throws RejoinError `bad-request`. */
function parsePath(text: string): OpenPath {
  const trimmed = text.trim().replace(/\.$/, '');
  const parts: (string | typeof star)[] = [];
  part.lastIndex = 0;
  while (part.lastIndex < trimmed.length) {
    const [, name, bracket, double, single] = part.exec(trimmed) ?? [];
    const plain = name ?? bracket;
    const quoted = (double ?? single)?.replace(/\\(.)/gs, '$1');
    if (plain === '*') parts.push(star);
    else if (plain !== undefined) parts.push(plain);
    else if (quoted !== undefined) parts.push(quoted);
    else throw badPath(text, 'should be such as samples.0.annotation');
  }
  if (parts.includes('__proto__')) throw badPath(text, 'has the key __proto__, which is not allowed');
  if (parts.filter((key) => key === star).length > 1) throw badPath(text, 'has more than one *');
  return parts;
}

/** Reads paths one after the other: a `*` depends on those before it. */
export class CsvPaths {
  /** The index that came last, per path of the list. */
  private readonly lastIndex = new Map<string, number>();

  /** @throws RejoinError `bad-request`. */
  next(text: string): CsvPath {
    const open = parsePath(text);
    const keys: string[] = [];
    for (const [i, key] of open.entries())
      keys.push(key === star ? this.place(keys, i === open.length - 1) : key);
    for (const [i, key] of keys.entries())
      if (isIndex(key)) this.lastIndex.set(nameOf(keys.slice(0, i)), Number(key));
    return keys;
  }

  /** A `*` at the end is a new item of the list; before the end it is the one that came last. */
  private place(list: CsvPath, isNew: boolean): string {
    const last = this.lastIndex.get(nameOf(list));
    return String(last === undefined ? 0 : isNew ? last + 1 : last);
  }
}

/** One string per path; most lists are at the top. */
function nameOf(path: CsvPath): string {
  return path.length === 1 ? (path[0] ?? '') : JSON.stringify(path);
}

function badPath(text: string, problem: string): RejoinError {
  return new RejoinError('bad-request', `the path ${JSON.stringify(text)} ${problem}`);
}
