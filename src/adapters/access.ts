// Which pages may reach which routes (design.md, "Pages of other origins"): origins for the sockets, host names against
// DNS rebinding.

import type { IncomingMessage } from 'node:http';
import { RejoinError } from '../errors.ts';

export interface AccessRules {
  /** The address that the server is bound to. */
  readonly host: string;
  /** The address that users reach it at, behind a proxy. */
  readonly publicUrl: URL | null;
  /** Origins allowed beside the server's own and loopback ones. */
  readonly allowedOrigins: readonly string[];
}

/**
 * On a loopback bind only loopback names, the public URL's host and the hosts of allowed origins are answered: else a
 * page could reach the server under a name of its own.
 * @throws RejoinError `not-allowed`.
 */
export function checkHost(
  { headers }: IncomingMessage,
  { host, publicUrl, allowedOrigins }: AccessRules,
): void {
  if (!isLoopback(host)) return;
  const given = headers.host ?? '';
  const name = hostNameOf(`http://${given}`);
  const allowed = [publicUrl?.hostname, ...allowedOrigins.map(hostNameOf)];
  if (given === '' || (name !== undefined && (isLoopback(name) || allowed.includes(name)))) return;
  throw new RejoinError(
    'not-allowed',
    `The host ${JSON.stringify(given)} is not this server's: start it with --public-url http://${given} if it is`,
  );
}

/**
 * Sockets are opened by programs (no Origin), by pages of this server, by loopback pages, and by those allowed.
 * @throws RejoinError `not-allowed`.
 */
export function checkOrigin({ headers }: IncomingMessage, { publicUrl, allowedOrigins }: AccessRules): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  const name = hostNameOf(origin);
  const isOwn =
    origin === `http://${host ?? ''}` || origin === `https://${host ?? ''}` || origin === publicUrl?.origin;
  const isAllowed = allowedOrigins.includes(origin) || allowedOrigins.includes('*');
  if (isOwn || isAllowed || (name !== undefined && isLoopback(name))) return;
  throw new RejoinError(
    'not-allowed',
    `Pages of ${JSON.stringify(origin)} are not allowed here: start the server with --allow-origin ${origin} if they should be`,
  );
}

/** Whether a host name or address means this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
  );
}

function hostNameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
