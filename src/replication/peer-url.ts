// The address of another server, as `--peer` has it, and where on it links are accepted. peers.ts calls it.

import { RejoinError } from '../errors.ts';

export interface PeerUrl {
  /** For people, logs and metrics: as it was given, without a slash at its end. */
  readonly name: string;
  /** Where links are accepted. */
  readonly socketUrl: string;
  /** The host's name or address, without brackets. */
  readonly host: string;
  /** Whether it is reached over TLS. */
  readonly isEncrypted: boolean;
}

const socketProtocols: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
};

/**
 * @param text `http(s)://` or `ws(s)://`, host and port, with the path that the server has behind a proxy; with or without `/replicate`.
 * @throws RejoinError `usage` that says what is wrong.
 */
export function parsePeerUrl(text: string): PeerUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = url && socketProtocols[url.protocol];
  if (!url || protocol === undefined || url.hostname === '')
    throw usage(
      text,
      'should be the address of a server, such as https://office.example or http://10.0.0.7:6003',
    );
  if (url.username !== '' || url.password !== '')
    throw usage(
      url.host,
      'should have no user name or password in it: what proves who you are is --peer-token',
    );
  if (url.search !== '' || url.hash !== '')
    throw usage(text, 'should end with its path: without "?" and "#"');

  const path = url.pathname.replace(/\/+$/, '').replace(/\/replicate$/, '');
  return {
    name: `${url.protocol}//${url.host}${path}`,
    socketUrl: `${protocol}//${url.host}${path}/replicate`,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    isEncrypted: protocol === 'wss:',
  };
}

function usage(given: string, problem: string): RejoinError {
  return new RejoinError('usage', `--peer ${given === '' ? '""' : given} ${problem}`);
}
