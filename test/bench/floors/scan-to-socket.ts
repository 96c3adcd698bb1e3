// Floor of a catch-up: a bare `ws` server that answers every message with a scan of LevelDB, one frame per value, and
// lets the socket drain when much is waiting. Arguments: the folder of the database; `text` or `binary`.

import { createServer } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { argument, openLevel, serve } from './serve.ts';

const unsentBytesMax = 512 * 1024;

const db = await openLevel(argument(0));
const binary = argument(1) === 'binary';
const server = createServer();
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', () => scan(socket));
});
serve(server);

function scan(socket: WebSocket): void {
  const iterator = db.iterator({
    gte: Buffer.from([0]),
    lt: Buffer.from([0xff]),
    reverse: false,
    limit: -1,
    keyAsBuffer: true,
    valueAsBuffer: true,
    fillCache: false,
    highWaterMark: 256 * 1024,
  });
  const step = (): void => {
    iterator.next((error, key, value) => {
      if (error !== null && error !== undefined) throw new Error('the scan failed');
      if (key === undefined) {
        iterator.end(() => undefined);
        return;
      }
      const isFull = socket.bufferedAmount > unsentBytesMax;
      socket.send(value as Buffer, { binary }, isFull ? step : undefined);
      if (!isFull) step();
    });
  };
  step();
}
