// The campaigns' client with the library: what it is said to hold when its server is gone is what nobody else has.

import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { until } from '../../support/until.ts';
import { Chance } from '../kill9/chance.ts';
import { Ledger, marksIn } from './ledger.ts';
import { LibraryPerson } from './library-person.ts';

const library = suite('library person');

library('a write whose answer is on its way when the server goes is not counted as waiting', async () => {
  const uploads: { readonly socket: WebSocket; readonly muxId: Json | undefined }[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as JsonObject;
      const muxId = message['mux_id'];
      if (message['type'] === 'upload') uploads.push({ socket, muxId });
      else socket.send(JSON.stringify({ type: 'sync', mux_id: muxId, since: [] }));
    }),
  );
  await until('it listens', () => server.address() !== null);
  const { port } = server.address() as AddressInfo;
  const home = { url: `http://127.0.0.1:${port}`, socketUrl: `ws://127.0.0.1:${port}` };
  const options = { name: 'lib1', home, ledger: new Ledger(), chance: new Chance(1) };
  const person = new LibraryPerson({ ...options, pauseMs: { least: 10, most: 20 } }, 'film');
  try {
    person.start();
    await until('it has sent its first write', () => uploads.length > 0);
    await person.stop();
    assert.ok(marksIn(await person.queuedText()).includes('!lib1x1!'));
    server.close(); // nobody comes any more
    const { socket, muxId } = uploads[0]!;
    socket.send(JSON.stringify({ type: 'uploaded', mux_id: muxId }));
    socket.close();
    assert.not.ok(marksIn(await person.queueLeft()).includes('!lib1x1!'));
  } finally {
    await person.leave();
    server.close();
  }
});

library.run();
