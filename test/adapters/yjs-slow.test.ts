// YJS-11: small questions with large answers, of Yjs clients that don't read; and rooms that can't be opened.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { YjsAdapter } from '../../src/adapters/yjs.ts';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { socketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, awareness, step1, update } from '../support/yjs-client.ts';

const test = suite('yjs slow readers');
const wires = withServer(test);

/** A client that counts what comes by the first two bytes, and has had its greeting. */
async function counting(room: string): Promise<{ socket: WebSocket; count: (...start: number[]) => number }> {
  const socket = new WebSocket(`${wires.server().socketUrl}/yjs/${room}`);
  const starts: string[] = [];
  socket.on('message', (data: Buffer) => starts.push(`${data[0]} ${data[1]}`));
  await new Promise((resolve) => socket.once('message', resolve));
  wires.atEnd(() => socket.terminate());
  return { socket, count: (...start) => starts.filter((each) => each.startsWith(start.join(' '))).length };
}

test('YJS-11 many step 1s are answered one after the other, as the client reads', async () => {
  const room = wires.newProject();
  const author = await RawYjsClient.connect(wires.server().socketUrl, room);
  const doc = new Y.Doc();
  doc.getArray('x').push([new Uint8Array(1_000_000)]);
  author.send(update(Y.encodeStateAsUpdate(doc)));
  await author.waitFor('update');
  await author.close();
  const { socket, count } = await counting(room);
  socket.pause();
  const asked = 120;
  for (let i = 0; i < asked; i++) socket.send(step1(Y.encodeStateVector(new Y.Doc())));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const told = await RawYjsClient.connect(wires.server().socketUrl, room);
  told.send(awareness([{ client: 1, clock: 1, state: {} }])); // the slow one is not cut off when there is something to tell
  await told.waitFor('awareness');
  await told.close();
  socket.resume();
  await until('all are answered', () => count(0, 1) === asked || socket.readyState !== socket.OPEN);
  assert.is(count(0, 1), asked);
});

test('YJS-2 who asks many times who is here gets one answer', async () => {
  const room = wires.newProject();
  const here = await RawYjsClient.connect(wires.server().socketUrl, room);
  here.send(awareness([{ client: 1, clock: 1, state: 'x'.repeat(200_000) }]));
  await here.waitFor('awareness');
  const { socket, count } = await counting(room);
  socket.pause();
  for (let i = 0; i < 5_000; i++) socket.send(new Uint8Array([3]));
  await new Promise((resolve) => setTimeout(resolve, 500));
  socket.resume();
  socket.send(step1(Y.encodeStateVector(new Y.Doc())));
  await until('the rest is answered', () => count(0, 1) === 1 || socket.readyState !== socket.OPEN);
  assert.is(socket.readyState, socket.OPEN);
  assert.ok(count(1) < 500, `${count(1)} answers`);
  await here.close();
});

test('YJS-1 a frame of very many messages is refused for good, and nothing after it is heard', async () => {
  const room = wires.newProject();
  const bystander = await RawYjsClient.connect(wires.server().socketUrl, room);
  await bystander.settle();
  const client = await RawYjsClient.connect(wires.server().socketUrl, room);
  await client.settle();
  client.send(new Uint8Array(1_000_000).fill(3));
  client.send(awareness([{ client: 1, clock: 1, state: {} }]));
  assert.is((await client.closed).code, 4400);
  await bystander.settle();
  assert.equal(bystander.typesAfter(0), ['step-1']);
});

test('a room that could not be opened is opened again for who comes next', async () => {
  let opened = 0;
  const projects = {
    acquire: () => {
      opened++;
      return Promise.reject(new RejoinError('unavailable', 'the store is away'));
    },
  } as unknown as Projects;
  const log = { refused: () => undefined, defect: () => undefined };
  const adapter = new YjsAdapter(projects, { environment: realEnvironment, log });
  const pairs = [await socketPair(), await socketPair()];
  try {
    for (const { client, server } of pairs) {
      client.pause(); // it doesn't answer the close
      await adapter.accept(server, { project: 'p', counts: false });
    }
    assert.is(opened, 2);
  } finally {
    adapter.end();
    for (const pair of pairs) pair.end();
  }
});

test.run();
