// Why there is no link to a peer, in words that name its address and say what to do. peer-connector.ts calls it.

import type { PeerUrl } from './peer-url.ts';

/** What the other side has answered in place of opening a socket. */
export interface UpgradeAnswer {
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
}

export function answerProblem(
  { name, socketUrl }: PeerUrl,
  { status, text, location }: UpgradeAnswer,
): string {
  const said = sentenceOf(text);
  switch (status) {
    case 401:
      return `${name} does not accept the peer token of this server (401${said}): start both with the same --peer-token`;
    case 403:
      return `${name} does not accept peers from here (403${said}): start it with --peer-token, and this server with the same; if a proxy stands before it, with --public-url`;
    case 404:
      return `${name} has nothing at ${socketUrl} (404${said}): check the address, with the path that a proxy gives it, and that its release of rejoin has --peer`;
    case 426:
      return `${name} answers without opening a WebSocket (426${said}): a proxy before it must pass on the headers Upgrade and Connection`;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return `${name} sends peers elsewhere (${status}): use the address that it names${location === undefined ? '' : `, ${clipped(location)}`}`;
    default:
      if (status >= 500) return `${name} can't take peers at the moment (${status}${said})`;
      return `${name} answers without opening a WebSocket (${status}${said}): check that the address is a rejoin's, and that a proxy before it passes WebSockets on`;
  }
}

export function connectionProblem({ name }: PeerUrl, error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  const what = error.message === '' ? code : inOneLine(error.message); // one of several addresses has no words
  if (/wrong.version.number|packet.length.too.long|unknown.protocol/i.test(error.message))
    return `${name} does not speak TLS there: use http in place of https, or the port that has TLS`;
  if (/CERT|SELF_SIGNED|ISSUER|ALTNAME/.test(code))
    return `${name} shows a certificate that this machine does not trust (${what}): have it signed by a known authority, or name yours in NODE_EXTRA_CA_CERTS`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `the name in ${name} can't be resolved (${what}): check its spelling, and this machine's network`;
  return `no connection to ${name} (${what})`;
}

/** What others say, a TLS library or another server, may have line feeds: a sentence of ours has none. */
export function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function sentenceOf(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line === '' || line.startsWith('<') ? '' : `, "${clipped(line)}"`;
}

function clipped(text: string): string {
  return (text.length > 300 ? `${text.slice(0, 300)}…` : text).toWellFormed();
}
