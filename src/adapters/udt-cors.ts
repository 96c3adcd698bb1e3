// The headers that let pages of any origin be UDT's clients (UDT-6).

import type { IncomingMessage, ServerResponse } from 'node:http';

const corsHeaders = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Credentials', 'true'],
  ['Access-Control-Allow-Methods', 'POST,GET,PUT,PATCH,DELETE,OPTIONS'],
  [
    'Access-Control-Allow-Headers',
    'X-Requested-With,Access-Control-Allow-Origin,X-HTTP-Method-Override,Content-Type,Authorization,Accept',
  ],
  ['Access-Control-Max-Age', '86400'],
] as const;

/** All headers of a poll's answer, but those of its body: name, value, … */
export const pollHeaders: readonly string[] = [...corsHeaders.flat(), 'Cache-Control', 'no-store'];

export function allowEveryOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) return;
  for (const [name, value] of corsHeaders) response.setHeader(name, value);
  if (/\bidempotency-key\b/i.test(headers['access-control-request-headers'] ?? '')) {
    const allowed = String(response.getHeader('Access-Control-Allow-Headers'));
    response.setHeader('Access-Control-Allow-Headers', `${allowed},Idempotency-Key`);
  }
  if (headers['access-control-request-private-network'] === 'true') {
    response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
}
