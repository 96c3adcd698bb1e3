// Who is here, on `/yjs`: told to everybody, kept alive, and gone with the connection.
// Runs in a process of its own, since it replaces the timers of all in it.

import { once } from 'node:events';
import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, awareness, readAwareness, type Heard } from '../support/yjs-client.ts';

const test = suite('yjs awareness');
const wires = withServer(test);

const join = async (room: string): Promise<RawYjsClient> => {
  const client = await RawYjsClient.connect(wires.server().socketUrl, room);
  await client.settle();
  return client;
};

const says =
  (...said: readonly [client: number, state: unknown][]) =>
  (heard: Heard): boolean =>
    JSON.stringify(readAwareness(heard).map(([client, , state]) => [client, state])) === JSON.stringify(said);

const ann = { client: 1, clock: 1, state: { name: 'Ann' } };

test('YJS-3 awareness is told to everybody, its sender included', async () => {
  const room = wires.newProject();
  const [sender, other] = [await join(room), await join(room)];
  const elsewhere = await join(wires.newProject());
  const frame = awareness([ann]);
  sender.send(frame);
  for (const client of [sender, other])
    assert.equal([...(await client.waitFor('awareness')).frame], [...frame], 'as it was sent');
  await elsewhere.settle();
  assert.equal(elsewhere.typesAfter(0), ['step-1']);
});

test('YJS-3 a state that is said again is told again: it keeps the client present', async () => {
  const room = wires.newProject();
  const [sender, other] = [await join(room), await join(room)];
  for (const clock of [1, 2]) sender.send(awareness([{ ...ann, clock }]));
  for (const client of [sender, other])
    await client.waitFor('awareness', { where: (heard) => readAwareness(heard)[0]![1] === 2 });
});

test('YJS-2 who comes is told who is here, behind step 1, and when it asks', async () => {
  const room = wires.newProject();
  const [first, second] = [await join(room), await join(room)];
  first.send(awareness([ann, { client: 2, clock: 7, state: 'a tab' }]));
  second.send(awareness([{ client: 3, clock: 1, state: null }])); // nobody
  await second.waitFor('awareness');
  await second.settle();
  const everybody = awareness([ann, { client: 2, clock: 7, state: 'a tab' }]);
  const late = await join(room);
  assert.equal(
    late.heard.slice(0, 2).map(({ type }) => type),
    ['step-1', 'awareness'],
  );
  assert.equal([...late.heard[1]!.frame], [...everybody]);
  const from = late.heard.length;
  late.send([3]);
  assert.equal([...(await late.waitFor('awareness', { from })).frame], [...everybody]);
});

for (const [how, leave] of Object.entries({
  closes: (client: RawYjsClient) => client.socket.close(),
  'is cut off': (client: RawYjsClient) => client.socket.terminate(),
  'is closed for bad bytes': (client: RawYjsClient) => client.send([0]),
}))
  test(`YJS-13 whoever a connection spoke for is gone at once when it ${how}`, async () => {
    const room = wires.newProject();
    const [leaving, staying] = [await join(room), await join(room)];
    leaving.send(awareness([ann, { client: 2, clock: 7, state: {} }]));
    staying.send(awareness([{ client: 3, clock: 1, state: 'stays' }]));
    await staying.until('both', () => staying.typesAfter(1).length === 2);
    leave(leaving);
    await staying.waitFor('awareness', { where: says([1, null], [2, null]) });
    const late = await join(room);
    assert.ok(says([3, 'stays'])(late.heard[1]!));
  });

test('YJS-13 who has moved to another connection stays when the old one closes', async () => {
  const room = wires.newProject();
  const [old, renewed, other] = [await join(room), await join(room), await join(room)];
  old.send(awareness([ann]));
  await renewed.waitFor('awareness');
  renewed.send(awareness([{ ...ann, clock: 2 }]));
  await old.waitFor('awareness', { where: (heard) => readAwareness(heard)[0]![1] === 2 });
  await old.close();
  other.send(awareness([{ client: 2, clock: 1, state: {} }]));
  await other.waitFor('awareness', { where: says([2, {}]) });
  await other.settle();
  assert.not.ok(other.heard.some((heard) => heard.type === 'awareness' && says([1, null])(heard)));
});

test('YJS-13 a provider that is back with the state it had is seen again at once', async () => {
  const room = wires.newProject();
  const watcher = await wires.connectYjs(room);
  const moving = await wires.connectYjs(room);
  const { clientID } = moving.doc;
  const sees = (): boolean => watcher.provider.awareness.getStates().has(clientID);
  moving.provider.awareness.setLocalState({ name: 'Mo' });
  await until('it is seen', sees);
  let wasGone = false; // it may be back before anybody looks
  watcher.provider.awareness.on('change', () => (wasGone ||= !sees()));
  moving.provider.ws!.close();
  await until('it is gone', () => wasGone);
  await until('it is seen again', sees);
  assert.equal(watcher.provider.awareness.getStates().get(clientID), { name: 'Mo' });
});

test('YJS-13 presence is not stored: a room that was empty knows nobody', async () => {
  const room = wires.newProject();
  const first = await join(room);
  first.send(awareness([ann]));
  await first.waitFor('awareness');
  await first.close();
  const second = await join(room);
  second.send([3]);
  await second.settle();
  assert.equal(second.typesAfter(0), ['step-1']);
});

const bad: Record<string, [code: number, update: readonly number[] | Uint8Array]> = {
  'no JSON': [4400, [1, 5, 2, 1, 1, 1, 0x7b]],
  'two states where one is bad': [4400, [1, 11, 2, 1, 1, 2, 0x7b, 0x7d, 2, 1, 2, 0x7b, 0x7b]],
  'fewer states than it says': [4400, [1, 6, 9, 1, 1, 2, 0x7b, 0x7d]],
  'a giant number of states': [4400, [1, 7, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1]],
  'a state that is longer than the update': [4400, [1, 5, 1, 1, 1, 2, 0x31, 0x32]],
  'a clock beyond counting': [4400, [1, 14, 1, 1, ...new Array<number>(8).fill(0xff), 0x7f, 2, 0x7b, 0x7d]],
  'bad UTF-8': [4400, [1, 7, 1, 1, 1, 3, 0x22, 0xff, 0x22]],
  'a state nested too deep': [4400, awareness([{ client: 1, clock: 1, state: nested(1_000) }])],
  'a state that is far too large': [
    1009,
    awareness([{ client: 1, clock: 1, state: 'x'.repeat(300 * 1024) }]),
  ],
};

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

for (const [name, [code, frame]] of Object.entries(bad))
  test(`YJS-8 awareness with ${name} closes with ${code} and is told to nobody`, async () => {
    const room = wires.newProject();
    const [sender, other] = [await join(room), await join(room)];
    sender.send(frame);
    assert.is((await sender.closed).code, code);
    await other.settle();
    assert.equal(other.typesAfter(0), ['step-1']);
  });

test('one connection can not speak for a thousand clients, nor leave them behind', async () => {
  const room = wires.newProject();
  const [sender, other] = [await join(room), await join(room)];
  const crowd = Array.from({ length: 1000 }, (_, client) => ({ client, clock: 1, state: {} }));
  sender.send(awareness(crowd));
  assert.is((await sender.closed).code, 1009);
  await other.settle();
  other.send([3]);
  await other.settle();
  const present = new Map<number, unknown>();
  for (const heard of other.heard.filter(({ type }) => type === 'awareness'))
    for (const [client, , state] of readAwareness(heard)) present.set(client, state);
  assert.equal([...present.values()].filter((state) => state !== null).length, 0);
});

test.run();

const timed = suite('yjs keep-alive');

timed.before.each(() => mock.timers.enable({ apis: ['setInterval'] }));
timed.after.each(() => mock.timers.reset());

timed('YJS-3 an empty awareness update comes at least every 15 s', async () => {
  const server = await startServer();
  try {
    const client = await RawYjsClient.connect(server.socketUrl, 'quiet');
    await client.settle();
    for (let i = 0; i < 3; i++) {
      const from = client.heard.length;
      mock.timers.tick(15_000);
      assert.equal([...(await client.waitFor('awareness', { from })).frame], [1, 1, 0]);
      await client.settle();
    }
  } finally {
    await server.remove();
  }
});

timed('YJS-3 a peer that answers no WebSocket ping is cut off, one that does stays', async () => {
  const server = await startServer();
  try {
    const [dead, alive] = [
      await RawYjsClient.connect(server.socketUrl, 'room', { autoPong: false }),
      await RawYjsClient.connect(server.socketUrl, 'room'),
    ];
    await Promise.all([dead.settle(), alive.settle()]);
    const pinged = Promise.all([dead, alive].map(({ socket }) => once(socket, 'ping')));
    mock.timers.tick(30_000);
    await pinged;
    await alive.settle(); // its pong has come as well
    mock.timers.tick(30_000);
    assert.is((await dead.closed).code, 1006);
    await alive.settle();
  } finally {
    await server.remove();
  }
});

timed.run();
