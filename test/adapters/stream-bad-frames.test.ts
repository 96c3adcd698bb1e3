// Frames that end a socket, and sockets that end in the middle of one: nobody else notices.

import { connect as connectTcp, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { streamLimits } from '../../src/wire/stream/messages.ts';
import { defects } from '../support/metrics.ts';
import { StreamBystander } from '../support/stream-bystander.ts';
import { newComment, versionsOf, type StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const frames = suite('bad frames');
const { connect, newProject, server } = withServer(frames);

/** The socket closes with the code; its streams end, and the stream of another client goes on. */
async function closesWith(code: number, misbehave: (client: StreamClient) => void): Promise<void> {
  const bystander = await StreamBystander.watch(await connect(), newProject());
  const client = await connect();
  await client.subscribe(newProject());
  misbehave(client);
  assert.is(await client.waitForClose(), code);
  await bystander.isUndisturbed();
  const again = await connect();
  assert.is((await again.upload(newComment(newProject())))['type'], 'uploaded');
}

frames('WS-20 a binary frame closes with 1003', async () => {
  const close = Buffer.from('{"type":"close","mux_id":1}');
  for (const bytes of [close, Buffer.alloc(0), Buffer.from([0, 0, 1, 0])])
    await closesWith(1003, (client) => client.send(bytes));
});

frames('WS-20 a frame over the limit closes with 1009', async () => {
  const padding = 'x'.repeat(streamLimits.frameBytesMax);
  await closesWith(1009, (client) => client.send({ type: 'close', mux_id: 1, padding }));
  await closesWith(1009, (client) => {
    const part = Buffer.alloc(streamLimits.frameBytesMax / 4, ' ');
    for (let i = 0; i < 5; i++) client.sendAsText(part, false);
  });
});

frames('WS-20 a frame of the size of the limit is read', async () => {
  const client = await connect();
  const bare = JSON.stringify({ type: 'close', mux_id: 1, padding: '' });
  const padding = 'x'.repeat(streamLimits.frameBytesMax - bare.length);
  assert.equal(await client.ask({ type: 'close', mux_id: 1, padding }), { type: 'closed', mux_id: 1 });
});

frames('WS-20 text that is no UTF-8 closes with 1007', async () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]])
    await closesWith(1007, (client) => {
      client.sendAsText(Buffer.from([...Buffer.from('{"type":"close","mux_id":"'), ...bytes]));
    });
});

frames('WS-19 a message in fragments is one message', async () => {
  const client = await connect();
  const bytes = Buffer.from('{"type":"close","mux_id":"ü"}');
  for (const byte of bytes) client.sendAsText(Buffer.from([byte]), false);
  client.sendAsText(Buffer.alloc(0));
  await client.waitFor(({ type, mux_id }) => type === 'closed' && mux_id === 'ü');
});

const text = 0x81;
const masked = 0x80;
const mask = [1, 2, 3, 4];
const payload = Buffer.from('{"type":"upload","mux_id":1,"objects":[]}');

frames('WS-19 a socket that is cut in the middle of a frame harms nobody', async () => {
  const bystander = await StreamBystander.watch(await connect(), newProject());
  const beginnings = [
    [],
    [text],
    [text, masked | 126, 0],
    [text, masked | payload.length, ...mask.slice(0, 2)],
    [text, masked | payload.length, ...mask, ...payload.subarray(0, 10)],
    [text & 0x7f, masked | 10, ...mask, ...payload.subarray(0, 10)],
    [text, masked | 127, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, ...mask, ...payload],
  ];
  for (const bytes of beginnings)
    for (const cut of ['end', 'resetAndDestroy'] as const) {
      const socket = await handshake();
      await new Promise((resolve) => socket.write(Buffer.from([...bytes, 0].slice(0, -1)), resolve));
      socket[cut]();
      socket.destroy();
      await bystander.isUndisturbed();
    }
});

frames('WS-20 frames against the protocol of WebSockets close with 1002', async () => {
  const bystander = await StreamBystander.watch(await connect(), newProject());
  const broken = {
    'without a mask': [text, 2, 0x7b, 0x7d],
    'a reserved bit': [text | 0x40, masked | 2, ...mask, 0, 0],
    'a reserved opcode': [0x83, masked | 2, ...mask, 0, 0],
    'a continuation of nothing': [0x80, masked | 2, ...mask, 0, 0],
    'a long ping': [0x89, masked | 126, 0, 200, ...mask],
    'a length over 2^53': [text, masked | 127, ...Array.from({ length: 8 }, () => 0x7f), ...mask],
  };
  for (const [what, bytes] of Object.entries(broken)) {
    const socket = await handshake();
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    socket.write(Buffer.from(bytes));
    await until(`a close frame for ${what}`, () => answer.length >= 4);
    assert.is(answer[0], 0x88, what);
    assert.is(answer.readUInt16BE(2), what === 'a length over 2^53' ? 1009 : 1002, what);
    socket.destroy();
    await bystander.isUndisturbed();
  }
});

frames('WS-13 what a socket uploaded is kept when it is cut before the answer', async () => {
  const [client, reader] = [await connect(), await connect()];
  const project = newProject();
  const live = await reader.subscribe(project);
  const object = newComment(project);
  client.send({ type: 'upload', mux_id: 1, objects: [object] });
  await reader.waitForVersion(live, object.version_uuid);
  client.cut();
  assert.equal(versionsOf(await reader.fetch(project)), [object.version_uuid]);
});

frames('WS-19 none of this was an error of the server', async () => {
  assert.is(await defects(server().url), 0);
});

/** A bare TCP socket behind the handshake of a WebSocket. */
async function handshake(): Promise<Socket> {
  const { hostname, port, host } = new URL(server().url);
  const socket = connectTcp(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
  return socket;
}

frames.run();
