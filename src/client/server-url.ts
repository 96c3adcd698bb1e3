// Where the stream protocol of a server is, from the address that people know.

import { RejoinError } from '../errors.ts';

const protocols: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
};

/**
 * @param url `http(s)://` or `ws(s)://` host and port, with a path where the server is behind one, with or without `/ws`.
 * @param token handed to the server as the parameter `token`.
 * @throws RejoinError `usage` if it is no such address.
 */
export function streamUrl(url: string | URL, token?: string): string {
  const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
  const protocol = parsed && protocols[parsed.protocol];
  if (!parsed || protocol === undefined)
    throw new RejoinError(
      'usage',
      `${JSON.stringify(String(url))} is no address of a server: it must be such as http://localhost:6003`,
    );
  // The protocol of a URL can't be set from http to ws.
  const socketUrl = new URL(parsed.href.replace(/^[a-z]+:/, protocol));
  const path = socketUrl.pathname.replace(/\/+$/, '');
  socketUrl.pathname = path.endsWith('/ws') ? path : `${path}/ws`;
  socketUrl.hash = '';
  if (token !== undefined) socketUrl.searchParams.set('token', token);
  return socketUrl.href;
}
