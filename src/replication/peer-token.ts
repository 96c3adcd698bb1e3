// The token by which servers know each other (REP-11): the one that connects sends it, the one that accepts checks it.

import { createHash, timingSafeEqual } from 'node:crypto';
import { RejoinError } from '../errors.ts';

const tokenUnitsMax = 1_000;

/**
 * A token that can stand in a header.
 * @throws RejoinError `usage` that doesn't repeat it.
 */
export function checkToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > tokenUnitsMax)
    throw new RejoinError(
      'usage',
      `--peer-token should be 1 to ${tokenUnitsMax} letters, digits or signs of ASCII without spaces, such as "openssl rand -hex 32" prints`,
    );
  return token;
}

export function authorizationOf(token: string): string {
  return `Bearer ${token}`;
}

export interface PeerRules {
  /** The one that peers must have; null if none was given. */
  readonly token: string | null;
  /** Whether others than this machine can reach the server. */
  readonly isReachable: boolean;
}

/**
 * Whether a peer that sent this header may open a link.
 * @throws RejoinError `unauthorized` if its token is missing or wrong; `not-allowed` where nobody could tell who it is.
 */
export function checkPeer(authorization: string | undefined, { token, isReachable }: PeerRules): void {
  if (token === null) {
    if (!isReachable) return;
    throw new RejoinError(
      'not-allowed',
      'This server can be reached by others and has no peer token, so it accepts no peers: start it with --peer-token, and the peer with the same',
    );
  }
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (given === undefined)
    throw new RejoinError(
      'unauthorized',
      'This server accepts peers with its token only: start the peer with the same --peer-token',
    );
  if (!isSame(given, token))
    throw new RejoinError(
      'unauthorized',
      'The peer token is not the one of this server: start both with the same --peer-token',
    );
}

/** In a time that tells nothing about where they differ. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digestOf(a), digestOf(b));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
