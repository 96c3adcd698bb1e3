// UDT project files as JSON: read as a whole, printed in pieces, since the text of a large project may be longer than
// the longest string. The commands `import` and `export` call this.

import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { parseJsonText } from './json-text.ts';

/**
 * Reads the text of a `.udt.json` file, which has no byte order mark any more.
 * @throws RejoinError `bad-request` that says where it is wrong.
 */
export function readUdtJson(text: string): JsonObject {
  if (text.trim() === '') throw new RejoinError('bad-request', 'is empty');
  const value = parseJsonText(text);
  if (isJsonObject(value)) return value;
  throw new RejoinError(
    'bad-request',
    'should be a JSON object, {"interface": …, "samples": …}: a UDT project file',
  );
}

export interface PrintOptions {
  /** What each level is indented by; with none, everything is in one line. */
  readonly indent?: string;
  /** Is told how many of the samples are printed. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** About as long as a piece is. UTF-16 units. */
const pieceUnits = 65_536;

/** The file as UDT writes it, but for -0, which JSON.stringify makes 0, and for a line feed at the end. */
export function* printUdtJson(udt: JsonObject, options: PrintOptions = {}): Generator<string> {
  const { indent = '', onProgress } = options;
  let text = '';
  for (const part of printed(udt, { indent, breakBefore: indent && '\n', onProgress, depth: 0 })) {
    text += part;
    if (text.length < pieceUnits) continue;
    yield text;
    text = '';
  }
  yield text + '\n';
}

interface Printing {
  readonly indent: string;
  /** What stands between the members of the container around: nothing, or a line feed and its indentation. */
  readonly breakBefore: string;
  readonly onProgress: PrintOptions['onProgress'];
  readonly depth: number;
}

function* printed(value: Json, printing: Printing): Generator<string> {
  if (!isJsonArray(value) && !isJsonObject(value)) {
    yield printScalar(value);
    return;
  }
  const { indent, breakBefore, onProgress, depth } = printing;
  const inside = { ...printing, breakBefore: breakBefore + indent, depth: depth + 1 };
  const [start, end] = isJsonArray(value) ? '[]' : '{}';
  let count = 0;
  yield start ?? '';
  if (isJsonArray(value)) {
    for (const item of value) {
      yield (count++ > 0 ? ',' : '') + inside.breakBefore;
      yield* printedItem(item, inside);
      if (depth === 1) onProgress?.(count, value.length);
    }
  } else {
    const colon = indent === '' ? ':' : ': ';
    for (const [key, member] of Object.entries(value)) {
      yield (count++ > 0 ? ',' : '') + inside.breakBefore + JSON.stringify(key) + colon;
      yield* printedItem(member, inside);
    }
  }
  yield (count > 0 ? breakBefore : '') + (end ?? '');
}

/** Most values are scalars: they cost no generator. */
function printedItem(value: Json, printing: Printing): Iterable<string> {
  return typeof value === 'object' && value !== null ? printed(value, printing) : [printScalar(value)];
}

/** JSON text of null, a boolean, a number or a string. */
export function printScalar(value: null | boolean | number | string): string {
  return Object.is(value, -0) ? '-0' : JSON.stringify(value);
}

/** JSON text of a value that is no longer than a string may be. */
export function printJson(value: Json): string {
  let text = '';
  for (const part of printed(value, { indent: '', breakBefore: '', onProgress: undefined, depth: 0 }))
    text += part;
  return text;
}
