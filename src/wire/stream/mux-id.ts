// `mux_id`, the client's own name for one of the streams on its socket (WS-1). parse.ts requires it; the adapter reads
// it from messages that are refused, so that the error reaches the stream it belongs to (WS-19).

import type { JsonObject } from '../../model/json.ts';

/** Echoed unchanged on every reply; 0 and "" are valid, 1 and "1" differ. */
export type MuxId = string | number;

/** In UTF-16 units. It comes back with every reply. */
export const muxIdLengthMax = 256;

/** The `mux_id` of a message that may be wrong in every other way; undefined if it is absent or can't be echoed. */
export function readMuxId(message: JsonObject): MuxId | undefined {
  const value = message['mux_id'];
  return isMuxId(value) ? value : undefined;
}

/**
 * The `mux_id` in the text of a frame that `parseClientFrame` refused, perhaps for a value deep inside. Looks for it
 * without parsing the rest, which may be what makes the frame dangerous; undefined if it isn't found.
 */
export function readMuxIdOfText(text: string): MuxId | undefined {
  let depth = 0;
  let found: unknown;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && text.startsWith('"mux_id"', at)) found = scalarAfterColon(text, end) ?? found;
      at = end - 1;
    }
  }
  return isMuxId(found) && text.trimStart().startsWith('{') ? found : undefined;
}

/** An integer that JSON.parse has rounded can't be echoed unchanged, and a long string is too much to echo. */
export function isMuxId(value: unknown): value is MuxId {
  if (typeof value === 'string') return value.length <= muxIdLengthMax && value.isWellFormed();
  return typeof value === 'number' && Number.isFinite(value) && !isRounded(value);
}

export function isRounded(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** Where the string that opens at `start` is over: behind its closing quote, or at the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\') at++;
    else if (character === '"') return at + 1;
  }
  return text.length;
}

function scalarAfterColon(text: string, from: number): unknown {
  const colon = /[ \t\r\n]*:[ \t\r\n]*/y;
  colon.lastIndex = from;
  if (!colon.test(text)) return undefined;
  const start = colon.lastIndex;
  const number = /-?\d[\d.eE+-]*/y;
  number.lastIndex = start;
  const end =
    text.charAt(start) === '"' ? endOfString(text, start) : number.test(text) ? number.lastIndex : start;
  return parseOrUndefined(text.slice(start, end));
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what can't be read isn't there, which is what the caller asks
  }
}
