// What a server is told about its peers, checked before anything is opened. server.ts calls it.

import { isLoopback } from './adapters/access.ts';
import { RejoinError } from './errors.ts';
import { checkToken } from './replication/peer-token.ts';
import { parsePeerUrl, type PeerUrl } from './replication/peer-url.ts';
import { projectFilter } from './replication/project-patterns.ts';

export interface PeerOptions {
  /** Addresses of servers to replicate with: `https://office.example`. */
  readonly peers?: readonly string[];
  /** What servers show each other (REP-11); `/replicate` is refused off loopback without it. */
  readonly peerToken?: string | undefined;
  /** Which projects are replicated: ids, in which `*` stands for any characters; all if there is none. */
  readonly peerProjects?: readonly string[];
}

export interface PeerSettings {
  readonly urls: readonly PeerUrl[];
  readonly token: string | null;
  readonly isReplicated: (project: string) => boolean;
  /** What the operator should know. */
  readonly warnings: readonly string[];
}

/** @throws RejoinError `usage`. */
export function readPeerSettings({ peers = [], peerToken, peerProjects = [] }: PeerOptions): PeerSettings {
  const token = peerToken === undefined ? null : checkToken(peerToken);
  const all = peers.map(parsePeerUrl);
  const urls = all.filter((url, index) => all.findIndex(({ name }) => name === url.name) === index);
  const remote = urls.filter(({ host }) => !isLoopback(host));
  const [unknown] = remote;
  if (unknown && token === null)
    throw new RejoinError(
      'usage',
      `--peer ${unknown.name} is on another machine: give both servers the same --peer-token, so that they know each other`,
    );
  const warnings = remote
    .filter(({ isEncrypted }) => !isEncrypted)
    .map(
      ({ name }) =>
        `--peer ${name} is reached without TLS: whoever can listen on the way reads the peer token and all projects. Use an https address unless the network is yours`,
    );
  return { urls, token, isReplicated: projectFilter(peerProjects), warnings };
}
