// Parses JSON of any size without holding the event loop: bodies of 100 MB come in beside clients that want their answers
// at once. The HTTP adapters call it.

import { RejoinError } from '../errors.ts';
import { ChunkedText } from './chunked-text.ts';
import { JsonMarks } from './json-marks.ts';
import { DepthGauge, checkJsonInSlices, invalidJson, parseJson, tooDeep, type Json } from './json.ts';
import { LongContainers, UnparsableText } from './long-containers.ts';

export interface LargeJsonLimits {
  /** JSON of up to so many bytes is parsed at once. */
  readonly wholeBytesMax: number;
  /** Of larger JSON, about so many bytes are parsed at once. */
  readonly pieceBytes: number;
}

/** Each takes a few milliseconds. */
const usualLimits: LargeJsonLimits = { wholeBytesMax: 256 * 1024, pieceBytes: 128 * 1024 };

/**
 * The value that `parseJson` returns for the text of these bytes, or the error that it throws. A byte order mark is
 * skipped.
 * @param bytes UTF-8, in one or more chunks, cut anywhere; they must not change meanwhile.
 * @param breathe resolves when others have had their turn. It is awaited every few milliseconds; only a single string,
 *   number or run of white space that is itself that long takes longer.
 * @throws RejoinError `bad-request`, also if it isn't UTF-8.
 */
export async function parseLargeJson(
  bytes: Uint8Array | readonly Uint8Array[],
  breathe: () => Promise<void>,
  { wholeBytesMax, pieceBytes } = usualLimits,
): Promise<Json> {
  const text = new ChunkedText(bytes instanceof Uint8Array ? [bytes] : bytes);
  const from = hasByteOrderMark(text) ? byteOrderMark.length : 0;
  if (text.byteLength <= wholeBytesMax) return parseJson(readWhole(text, from));
  try {
    const containers = new LongContainers(text, pieceBytes, from);
    const marks = new JsonMarks(containers);
    for (const slice of text.slices(from, pieceBytes)) {
      marks.scan(slice);
      await breathe();
    }
    const value = containers.end();
    return containers.isSuspect ? await checkJsonInSlices(value, breathe) : value;
  } catch (error) {
    throw error instanceof UnparsableText ? await reasonOf(text, pieceBytes, breathe) : error;
  }
}

const byteOrderMark = [0xef, 0xbb, 0xbf];

function hasByteOrderMark(text: ChunkedText): boolean {
  let at = 0;
  for (const { bytes } of text.slices(0, 1)) {
    if (bytes[0] !== byteOrderMark[at]) return false;
    if (++at === byteOrderMark.length) return true;
  }
  return false;
}

function readWhole(text: ChunkedText, from: number): string {
  try {
    return text.read(from, text.byteLength, '', '');
  } catch {
    throw notUtf8();
  }
}

/** What is wrong with text, in the order in which it would be found if it were decoded and parsed at once. */
async function reasonOf(
  text: ChunkedText,
  sliceBytes: number,
  breathe: () => Promise<void>,
): Promise<RejoinError> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const gauge = new DepthGauge();
  let isTooDeep = false;
  try {
    for (const { bytes } of text.slices(0, sliceBytes)) {
      isTooDeep = gauge.isTooDeep(decoder.decode(bytes, { stream: true })) || isTooDeep;
      await breathe();
    }
    decoder.decode(); // an unfinished character
  } catch {
    return notUtf8();
  }
  return isTooDeep ? tooDeep('') : invalidJson();
}

function notUtf8(): RejoinError {
  return new RejoinError('bad-request', 'The body is not valid UTF-8');
}
