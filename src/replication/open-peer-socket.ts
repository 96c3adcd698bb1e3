// Opens a WebSocket to /replicate of another server, or says in words why there is none. peer-connector.ts calls it.

import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import { replicationLimits } from '../wire/replication/messages.ts';
import { answerProblem, connectionProblem } from './peer-problems.ts';
import { authorizationOf } from './peer-token.ts';
import type { PeerUrl } from './peer-url.ts';
import type { PeerSocket } from './peer-link.ts';
import type { ByteStream } from './socket-transport.ts';

const handshakeWithinMs = 15_000;
/** Of what is answered in place of a socket: as much is read of it. */
const answerBytesMax = 2_000;

export interface OpeningSocket {
  /** Gives up; `closed` follows unless it is open already. */
  cancel(): void;
}

/**
 * @param opened gets the socket once it is open.
 * @param failed gets a sentence, if it doesn't open.
 */
export function openPeerSocket(
  peer: PeerUrl,
  token: string | null,
  opened: (socket: PeerSocket) => void,
  failed: (problem: string) => void,
): OpeningSocket {
  let below: ByteStream = { bytesRead: 0 };
  let problem: string | null = null;
  let isOpen = false;
  const socket = new WebSocket(peer.socketUrl, {
    headers: token === null ? {} : { Authorization: authorizationOf(token) },
    handshakeTimeout: handshakeWithinMs,
    maxPayload: replicationLimits.frameBytes,
    perMessageDeflate: false,
  });
  socket.on('upgrade', (response) => (below = response.socket));
  socket.on('unexpected-response', (_request, response) => {
    void readStart(response).then((text) => {
      const { statusCode: status = 0, headers } = response;
      problem ??= answerProblem(peer, { status, text, location: headers.location });
      socket.terminate();
    });
  });
  socket.on('error', (error) => (problem ??= connectionProblem(peer, error)));
  socket.on('open', () => {
    isOpen = true;
    opened({ socket, below });
  });
  socket.on('close', () => {
    if (!isOpen) failed(problem ?? `no connection to ${peer.name}`);
  });
  return { cancel: () => (isOpen ? undefined : socket.terminate()) };
}

/** What has come of a body when it is long enough, ends or is cut. */
function readStart(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (): void => resolve(Buffer.concat(chunks).toString('utf8', 0, answerBytesMax));
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= answerBytesMax) end();
    });
    response.on('end', end).on('close', end).on('error', end);
  });
}
