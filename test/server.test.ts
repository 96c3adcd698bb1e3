// The server as a whole: how it starts and stops.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rawGet } from './support/raw-http.ts';
import { serversOf } from './support/servers-of.ts';
import { UdtClient } from './support/udt-client.ts';

const test = suite('server');

const start = serversOf(test);

test('a connection that asks for a WebSocket while the server stops is refused, and does not keep it', async () => {
  const server = await start();
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

test('an idle connection that asks once more while the server stops is answered, and told that this was the last', async () => {
  const server = await start({ holdMs: 60_000 });
  const [asking, silent] = [await open(server.url), await open(server.url)];
  await asking.answerTo('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await silent.answerTo('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const stopped = server.remove();
  const notReady = await asking.answerTo('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(notReady, /^HTTP\/1\.1 503 /);
  assert.match(notReady, /\r\nConnection: close\r\n/);
  assert.match(notReady, /\r\n\r\nThe server is stopping$/);
  await asking.ended;
  const health = await silent.answerTo('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(health, /^HTTP\/1\.1 200 /);
  assert.match(health, /\r\nConnection: close\r\n/);
  await stopped; // nobody is left: it need not wait for the end of its patience
});

test('UDT-19 a PATCH that is under way when the server stops is stored and acknowledged', async () => {
  const server = await start();
  const client = await UdtClient.create(server.url, { n: 0 });
  const connection = await open(server.url);
  const body = '{"patch":[{"op":"replace","path":"/n","value":1}]}';
  const head = `PATCH /api/session/${client.id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
  await new Promise<void>((sent) => connection.socket.write(head + body.slice(0, 9), () => sent()));
  await fetch(`${server.url}/healthz`); // so that the server has read what was sent before
  const stopped = server.stop();
  const answer = await connection.answerTo(body.slice(9));
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /\r\nConnection: close\r\n/);
  await stopped;
  const again = await start({ data: server.data });
  assert.equal((await new UdtClient(again.url, client.id).get()).udt_json, { n: 1 });
  await again.remove();
});

test('a connection that never asks does not keep the server', async () => {
  const server = await start();
  const silent = await open(server.url);
  const half = await open(server.url);
  half.socket.write('GET /hea');
  await fetch(`${server.url}/healthz`);
  await server.remove();
  await Promise.all([silent.ended, half.ended]);
});

test('GET /healthz, GET /readyz and GET /metrics: for this host only, without CORS, and nothing but GET', async () => {
  const server = await start();
  for (const page of ['/healthz', '/readyz', '/metrics', '/']) {
    const reply = await rawGet(server.url, page, { Origin: 'https://page.example' });
    assert.is(reply.status, 200, page);
    assert.not.ok(reply.headers.has('access-control-allow-origin'));
    assert.is(reply.headers.get('cache-control'), 'no-store');
    assert.is((await rawGet(server.url, page, { Host: 'evil.example' })).status, 403);
    const post = await fetch(`${server.url}${page}`, { method: 'POST', body: 'x' });
    assert.is(post.status, 405);
    assert.is(post.headers.get('allow'), 'GET');
    assert.is((await fetch(`${server.url}${page}`, { method: 'HEAD' })).status, 200);
  }
  await server.remove();
});

interface Connection {
  readonly socket: Socket;
  /** Sends this and resolves with the next whole answer. */
  answerTo(request: string): Promise<string>;
  readonly ended: Promise<void>;
}

async function open(url: string): Promise<Connection> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.setEncoding('utf8').setTimeout(30_000, () => socket.destroy(new Error('nothing came')));
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (data: string) => (text += data));
  const ended = new Promise<void>((resolve, reject) => socket.on('end', resolve).on('error', reject));
  ended.catch(() => undefined); // not every test waits for it
  const answerTo = async (request: string): Promise<string> => {
    text = '';
    socket.write(request);
    for (;;) {
      const [head, body = ''] = text.split('\r\n\r\n');
      const length = /\r\nContent-Length: (\d+)/.exec(head ?? '')?.[1];
      if (length !== undefined && body.length >= Number(length)) return text;
      if (socket.destroyed || socket.readableEnded) throw new Error(`the connection ended: ${text}`);
      await Promise.race([once(socket, 'data'), once(socket, 'end')]);
    }
  };
  return { socket, answerTo, ended };
}

test('closing twice is closing once', async () => {
  const server = await start();
  await Promise.all([server.stop(), server.stop()]);
  await server.remove();
});

test.run();
