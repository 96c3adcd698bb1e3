// WS-21: clients of `/ws` that don't read.

import { PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import type { Projects } from '../../src/core/projects.ts';
import { Stream } from '../../src/adapters/stream-reader.ts';
import { newEntry } from '../support/stream-client.ts';
import { socketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const slow = suite('slow readers');
const { atEnd, connect, newProject, server } = withServer(slow);

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`${server().socketUrl}/ws`);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  atEnd(() => socket.terminate());
  return socket;
}

slow('WS-21 a client that reads no answers is not read from; when it reads, all is answered', async () => {
  const socket = await openSocket();
  socket.pause();
  let answers = 0;
  socket.on('message', () => answers++);
  const close = JSON.stringify({ type: 'close', mux_id: 'm'.repeat(256) });
  const batchMax = 100; // of 300 kB
  let count = 0;
  let isStuck = false;
  for (let batch = 0; batch < batchMax && !isStuck; batch++) {
    let isSent = false;
    for (let i = 0; i < 1_000; i++) socket.send(close, () => (isSent = i === 999));
    count += 1_000;
    const deadlineMs = Date.now() + 1_000;
    await until('it is sent, or stuck', () => isSent || Date.now() > deadlineMs);
    isStuck = !isSent;
  }
  assert.ok(isStuck, `the server has read ${count} messages`);
  socket.resume();
  await until('all is answered', () => answers === count);
});

slow('WS-19 a bad frame of a client that does not read is no defect of the server', async () => {
  const project = newProject();
  const uploader = await connect();
  for (let i = 0; i < 40; i++) await uploader.upload(newEntry(project, { clip_id: 'x'.repeat(500_000) }));
  const socket = await openSocket();
  socket.pause();
  socket.send(JSON.stringify({ type: 'subscribe', mux_id: 1, project_id: project, entries: '*' }));
  await new Promise((resolve) => setTimeout(resolve, 500)); // the stream stands still
  const closed = new Promise((resolve) => socket.once('close', resolve));
  (Reflect.get(socket, '_socket') as Duplex).write(Buffer.from([0xff, 0xff, 0, 0, 0, 0]));
  socket.resume();
  await closed;
  const health = (await (await fetch(`${server().url}/healthz`)).json()) as { counts: object };
  assert.equal(
    Object.keys(health.counts).filter((name) => name.startsWith('defect')),
    [],
  );
});

slow('WS-21 nothing is read for a socket that closes', async () => {
  const pair = await socketPair();
  atEnd(() => pair.end());
  let pages = 0;
  const feed = {
    atHead: false,
    next: () => Promise.resolve(++pages < 100 ? [] : null),
    close: () => undefined,
  };
  const project = { follow: () => Promise.resolve(feed) };
  const projects = {
    acquire: () => Promise.resolve({ project, release: () => undefined }),
  } as unknown as Projects;
  const request = { type: 'fetch', muxId: 1, projectId: 'p', since: new Map(), kinds: new Set() } as const;
  pair.server.close();
  await new Stream(request as never, projects, pair.server, new PassThrough()).run(() => undefined);
  assert.ok(pages <= 1, `${pages} pages were read`);
});

slow.run();
