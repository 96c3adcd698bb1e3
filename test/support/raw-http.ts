// HTTP as bytes on a socket, for what fetch refuses to send: other Host headers, odd targets, half a body, upgrades.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const patienceMs = 30_000;

export interface RawReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Sends what is given and reads one reply.
 * @param request lines are joined with CR LF; the head must end in two empty ones.
 */
export function rawRequest(base: string, request: readonly string[]): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(base);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(request.join('\r\n')));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const reply = parseReply(text);
      if (!reply) return;
      resolve(reply);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}

/** POSTs a body in these chunks, to the last one whatever the server says meanwhile. @returns what it said. */
export async function rawChunks(base: string, target: string, chunks: readonly Buffer[]): Promise<RawReply> {
  const socket = connectTo(base);
  let text = '';
  socket.setEncoding('utf8').on('data', (data: string) => (text += data));
  await once(socket, 'connect');
  const { host } = new URL(base);
  socket.write(`POST ${target} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (const chunk of chunks) {
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    if (!socket.write('\r\n')) await once(socket, 'drain');
  }
  socket.write('0\r\n\r\n');
  for (let reply = parseReply(text); ; reply = parseReply(text)) {
    if (reply) {
      socket.destroy();
      return reply;
    }
    await once(socket, 'data');
  }
}

/** Sends what is given, in the same form, and is gone. */
export function rawVanish(base: string, request: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(base);
    socket.on('connect', () => socket.write(request.join('\r\n'), () => socket.destroy()));
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

/** Sends a head, which ends in two empty lines, and these chunks as the server takes them, and is gone. */
export async function rawVanishAmid(
  base: string,
  head: readonly string[],
  chunks: readonly Uint8Array[],
): Promise<void> {
  const socket = connectTo(base);
  await once(socket, 'connect');
  socket.write(head.join('\r\n'));
  for (const chunk of chunks) if (!socket.write(chunk)) await once(socket, 'drain');
  socket.destroy();
  await once(socket, 'close');
}

function connectTo(base: string): Socket {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  return socket.setTimeout(patienceMs, () => socket.destroy(new Error(`nothing came for ${patienceMs} ms`)));
}

/** The reply to a GET with these headers; `Host` is the server's unless given. */
export function rawGet(
  base: string,
  target: string,
  headers: Record<string, string> = {},
): Promise<RawReply> {
  const all = { Host: new URL(base).host, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return rawRequest(base, [`GET ${target} HTTP/1.1`, ...lines, '', '']);
}

/** The reply to the opening of a WebSocket: 101 if it is let in. */
export function rawUpgrade(
  base: string,
  target: string,
  headers: Record<string, string> = {},
): Promise<RawReply> {
  return rawGet(base, target, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  });
}

/** The reply, once its head and a body of the announced length are there. */
function parseReply(text: string): RawReply | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = new Map(lines.map((line) => splitHeader(line)));
  const body = text.slice(headEnd + 4);
  if (Buffer.byteLength(body) < Number(headers.get('content-length') ?? 0)) return undefined;
  return { status, headers, body };
}

function splitHeader(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
}
