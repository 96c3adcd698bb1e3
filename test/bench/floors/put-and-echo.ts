// Floor of an upload: a bare `ws` server that puts every message into LevelDB, with one fsync, and then sends it back.
// What arrives during one fsync shares the next. Argument: a folder.

import { createServer } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { argument, openLevel, serve } from './serve.ts';

const db = await openLevel(argument(0));
const waiting: { readonly socket: WebSocket; readonly data: Buffer }[] = [];
let isWriting = false;
let written = 0;

const server = createServer();
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    waiting.push({ socket, data });
    if (!isWriting) write();
  });
});
serve(server);

function write(): void {
  const group = waiting.splice(0);
  const puts = group.map(({ data }) => ({
    type: 'put' as const,
    key: Buffer.from(String(written++)),
    value: data,
  }));
  isWriting = true;
  db.batch(puts, { sync: true }, (error) => {
    if (error) throw error;
    isWriting = false;
    for (const { socket, data } of group) socket.send(data, { binary: false });
    if (waiting.length > 0) write();
  });
}
