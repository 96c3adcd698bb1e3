// Floor of a fan-out: a bare `ws` server that sends the same frames to all readers at every message of its writer, whose
// socket was opened at `?writer`. Argument: a file with the frames, a JSON list of texts.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { argument, serve } from './serve.ts';

const frames = (JSON.parse(readFileSync(argument(0), 'utf8')) as string[]).map((text) => Buffer.from(text));
const readers = new Set<WebSocket>();

const server = createServer();
new WebSocketServer({ server }).on('connection', (socket, request) => {
  if (request.url?.endsWith('?writer') !== true) {
    readers.add(socket);
    return;
  }
  socket.on('message', () => {
    for (const reader of readers) for (const frame of frames) reader.send(frame, { binary: false });
    socket.send('uploaded');
  });
});
serve(server);
