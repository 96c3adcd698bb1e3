// Floor of a replication: asks a `scan-to-socket` for everything and writes what comes to a LevelDB, in synced batches of
// 256 KiB. Arguments: its address, the folder of a new database, how many frames will come. Prints the figures.

import WebSocket from 'ws';
import { argument, openLevel } from './serve.ts';

const batchBytesMin = 256 * 1024;

const db = await openLevel(argument(1));
const count = Number(argument(2));
const socket = new WebSocket(argument(0).replace('http', 'ws'));
let received = 0;
let written = 0;
let startedMs = 0;
let puts: { type: 'put'; key: Buffer; value: Buffer }[] = [];
let bytes = 0;
socket.on('open', () => socket.send('all'));
socket.on('message', (data: Buffer) => {
  if (received === 0) startedMs = performance.now();
  const key = Buffer.alloc(6);
  key.writeUIntBE(++received, 0, 6);
  puts.push({ type: 'put', key, value: data });
  bytes += data.length;
  if (bytes >= batchBytesMin || received === count) flush();
});

function flush(): void {
  const batch = puts;
  puts = [];
  bytes = 0;
  db.batch(batch, { sync: true }, (error) => {
    if (error) throw error;
    written += batch.length;
    if (written < count) return;
    console.log(JSON.stringify({ perSecond: (count / (performance.now() - startedMs)) * 1_000 }));
    socket.close();
  });
}
