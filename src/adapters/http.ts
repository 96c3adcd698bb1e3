// The few things that every HTTP answer needs: sending a status, headers and text.

import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as otherWork } from 'node:timers/promises';
import { isSystemError, type ErrorCode } from '../errors.ts';
import { isShortJson, jsonPieces } from '../model/json-pieces.ts';
import type { Json } from '../model/json.ts';
import { compress, compressor, encodingFor } from './compression.ts';

/** A smaller answer goes out as it is: it fits into one packet, and every poll with nothing new is one of these. */
export const compressedBytesMin = 1024;

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  send(response, status, type, Buffer.from(text, 'utf8'));
}

/**
 * Sends a small piece of JSON with these headers (name, value, …) and no others: at the least that node:http costs, for polls.
 * @returns whether it was small enough; if not, nothing was sent.
 */
export function sendSmallJson(response: ServerResponse, text: string, headers: readonly string[]): boolean {
  if (text.length >= compressedBytesMin || response.headersSent || response.destroyed) return false;
  const own = ['Content-Type', jsonType, 'Content-Length', String(Buffer.byteLength(text))];
  response.writeHead(200, [...headers, ...own]);
  response.end(text); // head and body leave together
  return true;
}

/**
 * Sends a value as JSON, compressed if its client takes that and it is worth it (UDT-21). Resolves when it was handed over.
 * @param value may be of any size: a large one is streamed, and must not change until then.
 */
export async function sendJson(response: ServerResponse, status: number, value: Json): Promise<void> {
  if (isShortJson(value, wholeUnitsMax)) await sendWhole(response, status, JSON.stringify(value));
  else await streamJson(response, status, value);
}

/** Longer JSON is streamed. */
const wholeUnitsMax = 128 * 1024;

async function sendWhole(response: ServerResponse, status: number, text: string): Promise<void> {
  let bytes = Buffer.from(text, 'utf8');
  if (bytes.length >= compressedBytesMin) {
    varyByEncoding(response);
    const encoding = encodingFor(response.req.headers['accept-encoding']);
    if (encoding !== null) {
      bytes = await compress(bytes, encoding);
      response.setHeader('Content-Encoding', encoding);
    }
  }
  send(response, status, jsonType, bytes);
}

/** Beside what it varies by already. */
function varyByEncoding(response: ServerResponse): void {
  const others = String(response.getHeader('Vary') ?? '');
  if (others === '') response.setHeader('Vary', 'Accept-Encoding');
  else if (!others.includes('Accept-Encoding')) response.setHeader('Vary', `${others}, Accept-Encoding`);
}

async function streamJson(response: ServerResponse, status: number, value: Json): Promise<void> {
  if (response.headersSent || response.destroyed) return;
  const encoding = encodingFor(response.req.headers['accept-encoding']);
  response.setHeader('Content-Type', jsonType);
  varyByEncoding(response);
  if (encoding !== null) response.setHeader('Content-Encoding', encoding);
  if (response.req.method === 'HEAD') {
    // As GET has it. Without a word on the length some clients, such as Node's, give the connection up.
    if (response.req.httpVersion !== '1.0') response.setHeader('Transfer-Encoding', 'chunked');
    response.writeHead(status).end();
    return;
  }
  response.writeHead(status);
  const bytes = Readable.from(inTurn(jsonPieces(value)), { objectMode: false });
  try {
    if (encoding === null) await pipeline(bytes, response);
    else await pipeline(bytes, compressor(encoding), response);
  } catch (error) {
    if (!isSystemError(error, 'ERR_STREAM_PREMATURE_CLOSE')) throw error; // a client may leave at any time
  }
}

/** Others have their turn between the pieces. */
async function* inTurn(pieces: Iterable<string>): AsyncGenerator<Buffer, void> {
  for (const piece of pieces) {
    yield Buffer.from(piece, 'utf8');
    await otherWork();
  }
}

const jsonType = 'application/json; charset=utf-8';

function send(response: ServerResponse, status: number, type: string, bytes: Uint8Array): void {
  if (response.headersSent || response.destroyed) return;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', bytes.length);
  response.writeHead(status);
  response.end(bytes);
}

/** Whether a client that sent this If-None-Match has the state with this weak ETag already. */
export function hasMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => opaque(tag) === opaque(etag));
}

/** The status that says what a code means (house style: in one place). */
export function statusOf(code: ErrorCode): number {
  switch (code) {
    case 'bad-request':
    case 'undecodable':
    case 'mux-in-use':
      return 400;
    case 'unauthorized':
      return 401;
    case 'not-allowed':
      return 403;
    case 'not-found':
      return 404;
    case 'method-not-allowed':
      return 405;
    case 'conflict':
      return 409;
    case 'deleted':
      return 410;
    case 'too-large':
      return 413;
    case 'unavailable':
      return 503;
    case 'outcome-unknown':
    case 'damaged':
    case 'internal':
    case 'usage':
    case 'data-in-use':
    case 'data-unusable':
    case 'data-newer':
    case 'address-in-use':
    case 'address-unusable':
      return 500;
  }
}
