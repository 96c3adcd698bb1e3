// The server as a whole: how it starts and stops.

import { once } from 'node:events';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer } from './support/server.ts';

const test = suite('server');

test('a connection that asks for a WebSocket while the server stops is refused, and does not keep it', async () => {
  const server = await startServer();
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  // One request first, so that the server has the connection in hand.
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: lo');
  await once(socket, 'data');
  const stopped = server.remove();
  const answer = once(socket, 'data').catch(() => []);
  socket.write(
    'calhost\r\n\r\nGET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await answer;
  await stopped;
  assert.not.match(text, / 101 /);
  socket.destroy();
});

test('closing twice is closing once', async () => {
  const server = await startServer();
  await Promise.all([server.stop(), server.stop()]);
  await server.remove();
});

test.run();
