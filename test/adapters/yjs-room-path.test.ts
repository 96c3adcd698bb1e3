// Which project a URL means (YJS-5): the same as on `/ws`, and refused before there is a socket.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rawUpgrade } from '../support/raw-http.ts';
import { newEntry } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient } from '../support/yjs-client.ts';

const test = suite('yjs room path');
const wires = withServer(test);

/** A room as an app names it, which the provider puts into the URL as it is → the project. */
const rooms: Record<string, string | number> = {
  plain: 'plain',
  'a/b/c': 'a/b/c',
  'trailing/': 'trailing/',
  '/leading': '/leading',
  'yjs/': 'yjs/',
  'film one': 'film one',
  'film%20two': 'film two',
  'plus+sign': 'plus+sign',
  'encoded%2Fslash': 'encoded/slash',
  'twice%252Fencoded': 'twice%2Fencoded',
  'split?at=the&first=%zz': 'split',
  'question%3Fmark': 'question?mark',
  'hash%23sign': 'hash#sign',
  'é🎬': 'é🎬',
  '%C3%A9%F0%9F%8E%AC again': 'é🎬 again',
  '4711': 4711,
  '007': '007',
  ['__proto__']: '__proto__',
  ['é'.repeat(128)]: 'é'.repeat(128),
};

for (const [room, project] of Object.entries(rooms))
  test(`YJS-5 ${room.slice(0, 24)} is the project ${String(project).slice(0, 24)}, as on /ws`, async () => {
    const stream = await wires.connect();
    const entry = newEntry(project);
    assert.is((await stream.upload(entry))['type'], 'uploaded');
    const client = await RawYjsClient.connect(wires.server().socketUrl, room);
    await client.settle();
    assert.equal([...client.doc.getMap('entries').keys()], [entry.version_uuid]);
  });

test('YJS-5 parameters of the provider are no part of the room', async () => {
  const url = wires.server().socketUrl;
  const [one, other] = [
    await RawYjsClient.connect(url, 'same?token=1'),
    await RawYjsClient.connect(url, 'same'),
  ];
  await other.settle();
  one.send([0, 2, 11, 1, 1, 1, 0, 4, 1, 1, 0x74, 1, 0x61, 0]);
  await other.waitFor('update');
});

const refused: Record<string, string> = {
  'no escape': '%zz',
  'an escape cut short': '100%',
  'an escape that is half a character': '%E0%A4',
  'an escape that is no UTF-8': '%80',
  'an escaped surrogate': '%ED%A0%80',
  'a bad escape before a parameter': '%zz?x=1',
  NUL: 'a%00b',
  'a line feed': 'a%0Ab',
  DEL: 'a%7F',
  'a control character of C1': 'a%C2%85',
  '257 bytes': 'a'.repeat(257),
  '258 bytes in 129 characters': '%C3%A9'.repeat(129),
  nothing: '',
  'nothing before a parameter': '?x=1',
};

for (const [name, room] of Object.entries(refused))
  test(`YJS-5 a room with ${name} is refused with 400`, async () => {
    const { status, headers, body } = await rawUpgrade(wires.server().url, `/yjs/${room}`);
    assert.is(status, 400, body);
    assert.match(body, /room/);
    assert.is(headers.get('connection'), 'close');
  });

test('YJS-5 there is no room without /yjs/', async () => {
  for (const target of ['/yjs', '/yjsx/room', '/', '/x/yjs/room'])
    assert.is((await rawUpgrade(wires.server().url, target)).status, 404, target);
});

test.run();
