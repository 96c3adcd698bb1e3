// The few things that every HTTP answer needs: sending a status, headers and text.

import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import { compress, encodingFor } from './compression.ts';

/** A smaller answer goes out as it is: it fits into one packet, and every poll with nothing new is one of these. */
const compressedBytesMin = 1024;

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

/** Sends a value as JSON: see `sendJsonText`. */
export function sendJson(response: ServerResponse, status: number, value: unknown): Promise<void> {
  return sendJsonText(response, status, JSON.stringify(value));
}

/** Sends JSON, compressed if its client takes that and it is worth it (UDT-21). Resolves when it was handed over. */
export async function sendJsonText(response: ServerResponse, status: number, text: string): Promise<void> {
  let bytes = Buffer.from(text, 'utf8');
  if (bytes.length >= compressedBytesMin) {
    response.setHeader('Vary', 'Accept-Encoding');
    const encoding = encodingFor(response.req.headers['accept-encoding']);
    if (encoding !== null) {
      bytes = await compress(bytes, encoding);
      response.setHeader('Content-Encoding', encoding);
    }
  }
  send(response, status, jsonType, bytes);
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
