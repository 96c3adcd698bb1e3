// Compressing answers: which encoding a client asks for (RFC 9110, section 12.5.3), and doing it off the event loop.

import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';

/** In the order of our preference. */
const encodings = ['br', 'gzip'] as const;

export type Encoding = (typeof encodings)[number];

/** JSON at these levels: a fifth of its size or less, at tens of megabytes a second. Higher ones take far longer for little. */
const brotliQuality = 4;
const gzipLevel = 4;

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

/** The encoding that the client likes best, brotli where it likes both the same; null to send the bytes as they are. */
export function encodingFor(acceptEncoding: string | undefined): Encoding | null {
  if (acceptEncoding === undefined) return null;
  const weights = parseWeights(acceptEncoding);
  const weightOf = (name: string): number => weights.get(name) ?? 0;
  const others = weights.get('*') ?? 0;
  let best: Encoding | null = null;
  let bestWeight = 0;
  for (const encoding of encodings) {
    const weight = weights.get(encoding) ?? others;
    if (weight > bestWeight) [best, bestWeight] = [encoding, weight];
  }
  return bestWeight >= weightOf('identity') ? best : null;
}

/** The bytes in an encoding. They are compressed piece by piece on other threads. */
export function compress(bytes: Uint8Array, encoding: Encoding): Promise<Buffer<ArrayBuffer>> {
  if (encoding === 'gzip') return gzipAsync(bytes, { level: gzipLevel });
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliAsync(bytes, { params });
}

/** What compresses a stream of bytes on other threads, as they come. */
export function compressor(encoding: Encoding): Transform {
  if (encoding === 'gzip') return createGzip({ level: gzipLevel });
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } });
}

/** The weight of each name, 0 to 1; one that can't be read counts as 0. */
function parseWeights(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const weight = given === undefined ? 1 : Number(given);
    if (name !== '') weights.set(name, weight >= 0 && weight <= 1 ? weight : 0);
  }
  return weights;
}
