// Gives the stored JSON of an object the names of the later vocabulary. print-changes.ts calls it. The fields that have
// other names stand at the beginning, in a known order, so that the rest need not be looked at.

import { isJsonObject, parseJson } from '../../model/json.ts';
import { laterNames, takenNames, type ObjectKind } from '../../model/objects.ts';

/** A part of a message: bytes as a string (one unit per byte, `latin1` for Node), and stored bytes behind them. */
export interface PrintedPart {
  readonly start: string;
  readonly rest: Uint8Array;
}

/**
 * @param json the stored object, as UTF-8.
 * @returns its fields behind the opening brace, under their later names.
 */
export function laterObject(kind: ObjectKind, json: Uint8Array): PrintedPart {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const { pattern, names, next } = beginnings[kind];
  // Inside of a string its quotes would be escaped, so this is the field, at whatever depth it may be.
  const end = bytes.indexOf(next);
  const begins = end > 0 && hasKnownFieldsOnly(bytes) && pattern.exec(bytes.toString('latin1', 0, end));
  if (!begins) return renamed(kind, bytes);
  const start = names.map((name, index) => `${name}${begins[index + 1] ?? ''},`).join('');
  return { start, rest: bytes.subarray(end) };
}

interface Beginning {
  /** Captures the value of each field that stands before `next`. */
  readonly pattern: RegExp;
  readonly names: readonly string[];
  /** The first field behind them. */
  readonly next: string;
}

const beginnings: Record<ObjectKind, Beginning> = {
  entry: beginningOf('entry', 'report_uuid entry_uuid version_uuid user_id user_uuid', 'clip_id'),
  thread: beginningOf('thread', 'thread_uuid version_uuid user_id user_uuid', 'name'),
  comment: beginningOf(
    'comment',
    'comment_uuid thread_uuid parent_uuid version_uuid user_id user_uuid',
    'body',
  ),
};

function beginningOf(kind: ObjectKind, fields: string, next: string): Beginning {
  const originals = fields.split(' ');
  const value = '("(?:[^"\\\\]|\\\\.)*"|null),';
  return {
    pattern: new RegExp(`^\\{${originals.map((name) => `"${name}":${value}`).join('')}$`),
    names: originals.map((name) => `"${laterNames[kind].get(name) ?? name}":`),
    next: `"${next}":`,
  };
}

/** Whether the object ends with the last field that every object has: extra ones would stand behind it (WS-18). */
function hasKnownFieldsOnly(bytes: Buffer): boolean {
  return lastField.test(bytes.toString('latin1', Math.max(0, bytes.length - lastFieldBytes)));
}

const lastField = /^,"submissiontime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}$/;
const lastFieldBytes = ',"submissiontime":"2024-05-17T09:30:00.000Z"}'.length;

/** The long way, for an object with extra fields. One that has a later name is left out: a name stands there once. */
function renamed(kind: ObjectKind, bytes: Buffer): PrintedPart {
  const value = parseJson(bytes.toString('utf8'));
  if (!isJsonObject(value)) throw new TypeError(`A stored ${kind} is no object`);
  const fields = Object.entries(value)
    .filter(([name]) => !takenNames[kind].has(name))
    .map(([name, field]) => [laterNames[kind].get(name) ?? name, field]);
  const text = JSON.stringify(Object.fromEntries(fields));
  return { start: '', rest: Buffer.from(text.slice(1), 'utf8') };
}
