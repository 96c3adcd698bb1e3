// Which pages may use the REST interface: those of this server, of loopback and of allowed origins. Others get no answer that
// they could read (design.md, "Pages of other origins").

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOrigin, type AccessRules } from './access.ts';

const allowedHeaders = 'Authorization, Confirm-Delete, Content-Type, Last-Event-ID';
const methods = 'GET, HEAD, POST, DELETE, OPTIONS';
/** How long a browser may remember what it may send. */
const preflightSeconds = 86_400;

/**
 * Lets the page that asks read the answer, if it may.
 * @throws RejoinError `not-allowed`; no header lets it read that.
 */
export function admitOrigin(request: IncomingMessage, response: ServerResponse, rules: AccessRules): void {
  response.setHeader('Vary', 'Origin');
  checkOrigin(request, rules);
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', 'Allow, Retry-After');
}

/** Answers what a browser asks before it sends anything that a plain form couldn't send. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, allow: string): void {
  response.setHeader('Allow', allow);
  if (request.headers.origin !== undefined) {
    response.setHeader('Access-Control-Allow-Methods', methods);
    response.setHeader('Access-Control-Allow-Headers', allowedHeaders);
    response.setHeader('Access-Control-Max-Age', preflightSeconds);
    if (request.headers['access-control-request-private-network'] === 'true')
      response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
  response.writeHead(204).end();
}
