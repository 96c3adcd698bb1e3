// Bytes that no honest client sends (YJS-8, YJS-10): they end the connection they came by, with the right code, and
// touch nothing else.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../src/model/json.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, update } from '../support/yjs-client.ts';

const test = suite('yjs bad input');
const wires = withServer(test);

const join = async (room: string): Promise<RawYjsClient> => {
  const client = await RawYjsClient.connect(wires.server().socketUrl, room);
  await client.settle();
  return client;
};

/** Client 1 writes "a" into the text "t". */
const insertA = [1, 1, 1, 0, 4, 1, 1, 0x74, 1, 0x61, 0];

/** A room with a text and a bystander in it, who must notice nothing of what `work` does. */
async function undisturbed(work: (room: string) => Promise<void>): Promise<void> {
  const room = wires.newProject();
  const bystander = await join(room);
  bystander.send([0, 2, 11, ...insertA]);
  await bystander.waitFor('update');
  const [heard, head] = [bystander.typesAfter(0), await headOf(room)];
  await work(room);
  await bystander.settle();
  assert.equal(bystander.typesAfter(0), heard, 'nothing was told');
  assert.equal(await headOf(room), head, 'nothing was logged');
  const late = await join(room);
  assert.equal([...late.heard.at(-1)!.frame], [0, 1, 11, ...insertA], 'nothing was applied');
}

async function headOf(room: string): Promise<Json | undefined> {
  return (await (await wires.connect()).fetchWithSync(room)).sync['since'];
}

const notANumber = [...new Array<number>(200).fill(0x80), 0]; // lib0 reads it as NaN

/** One item of client 2 with this content behind its parent, the root "t". */
const item = (contentRef: number, content: readonly number[]): number[] => [
  ...[1, 1, 2, 0, contentRef, 1, 1, 0x74],
  ...content,
  0,
];

const nestedArrays = (levels: number): number[] => [
  1, // one value
  ...new Array<readonly number[]>(levels).fill([117, 1]).flat(), // arrays of one member
  126, // null
];

/** A guid, then options: { guid: 1 }. */
const subdocument = [1, 0x67, 118, 1, 4, 0x67, 0x75, 0x69, 0x64, 125, 1];

const badUpdates: Record<string, readonly number[]> = {
  'of no bytes': [],
  'of garbage': [0xde, 0xad, 0xbe, 0xef],
  'cut short': insertA.slice(0, -2),
  'without deletions': insertA.slice(0, -1),
  'that begins with an endless varint': new Array<number>(20).fill(0xff),
  'with a giant number of clients': [0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 0],
  'with a giant number of structs': [1, 0xff, 0xff, 0xff, 0xff, 0x7f, 2, 0, 4, 1, 1, 0x74, 1, 0x61, 0],
  'with a giant number of deletions': [0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0x7f],
  'with a number of structs that is none': [1, ...notANumber, 2, 0, 0],
  'with a client beyond counting': [
    1,
    1,
    ...new Array<number>(9).fill(0xff),
    0x7f,
    0,
    4,
    1,
    1,
    0x74,
    1,
    0x61,
    0,
  ],
  'with bad UTF-8 in a text': item(4, [2, 0xc3, 0x28]),
  'with bad UTF-8 in the name of a root': [1, 1, 2, 0, 4, 1, 1, 0xff, 1, 0x61, 0],
  'with a text that is longer than it': item(4, [0xff, 0xff, 3, 0x61]),
  'with a value of an unknown type': item(8, [1, 7]),
  'with JSON that is none': item(2, [1, 1, 0x7b]),
  'with a shared type that there is not': item(7, [99]),
  'with content that there is not': item(30, [1]),
  'nested 2,000 levels deep': item(8, nestedArrays(2_000)),
  'nested 200,000 levels deep': item(8, nestedArrays(200_000)),
  'with a subdocument that can not be': item(9, subdocument),
};

for (const [name, bytes] of Object.entries(badUpdates))
  test(`YJS-8 an update ${name} closes with 4400`, () =>
    undisturbed(async (room) => {
      for (const type of [1, 2]) {
        const client = await join(room);
        const frame = update(Uint8Array.from(bytes));
        frame[1] = type;
        client.send(frame);
        assert.is((await client.closed).code, 4400);
      }
    }));

const badFrames: Record<string, readonly number[] | string> = {
  'of no bytes': [],
  'of text': 'hello',
  'of a type only': [0],
  'with half a varint': [0, 0x80],
  'with a varint beyond counting': [0, 2, ...new Array<number>(9).fill(0xff), 0x7f],
  'with a length that is none': [0, 2, ...notANumber, 0, 0],
  'with a length beyond its end': [0, 2, 12, ...insertA],
  'with a giant length': [0, 2, 0xff, 0xff, 0xff, 0xff, 0x7f, ...insertA],
  'with an unknown sync message': [0, 3, 1, 0],
  'with a state vector cut short': [0, 0, 2, 1, 1],
  'with a giant state vector': [0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x7f],
  'that is bad behind a good message': [0, 2, 11, 1, 1, 2, 0, 4, 1, 1, 0x74, 1, 0x62, 0, 0],
};

for (const [name, frame] of Object.entries(badFrames))
  test(`YJS-8 a frame ${name} closes with 4400`, () =>
    undisturbed(async (room) => {
      const client = await join(room);
      client.send(frame);
      const { code, reason } = await client.closed;
      assert.is(code, 4400);
      assert.is.not(reason, '', 'and says why');
    }));

/** A connection that has sent the opening of a WebSocket, and `more` with it. */
function open(room: string, more: readonly number[] = []): Socket {
  const { port } = new URL(wires.server().url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined); // the server may cut it off
  const lines = [`GET /yjs/${room} HTTP/1.1`, 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'];
  const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'];
  socket.write(Buffer.concat([Buffer.from([...lines, ...key, '', ''].join('\r\n')), Uint8Array.from(more)]));
  return socket;
}

/** The same, past its handshake. */
async function openBytes(room: string): Promise<Socket> {
  const socket = open(room);
  let text = '';
  while (!text.includes('\r\n\r\n')) text += String((await once(socket, 'data'))[0]);
  return socket;
}

/** The code of the close frame that a server ends with, behind its greeting. */
async function closeCodeOf(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  await once(socket, 'close');
  for (let at = 0; at + 1 < bytes.length; at += 2 + bytes[at + 1]!)
    if (bytes[at] === 0x88) return bytes.readUInt16BE(at + 2);
  return 0;
}

const mask = [0, 0, 0, 0];
const badWebSocketFrames: Record<string, [code: number, bytes: readonly number[]]> = {
  'six bytes with every reserved bit': [1002, [0xff, 0x80, ...mask]],
  'six bytes of an unknown opcode': [1002, [0x83, 0x80, ...mask]],
  'a reserved bit': [1002, [0xc2, 0x81, ...mask, 3]],
  'no mask': [1002, [0x82, 1, 3]],
  'a continuation of nothing': [1002, [0x80, 0x81, ...mask, 3]],
  'a ping in parts': [1002, [0x09, 0x80, ...mask]],
  'a ping that is too long': [1002, [0x89, 0xfe, 0, 126, ...mask, ...new Array<number>(126).fill(0)]],
  'text that is no UTF-8': [1007, [0x81, 0x81, ...mask, 0xff]],
  'a close with a code that there is not': [1002, [0x88, 0x82, ...mask, 0, 5]],
  'a length beyond counting': [1009, [0x82, 0xff, ...new Array<number>(8).fill(0x7f), ...mask]],
  'a length one over the limit': [1009, [0x82, 0xff, 0, 0, 0, 0, 4, 0, 0, 1, ...mask]],
};

for (const [name, [code, bytes]] of Object.entries(badWebSocketFrames))
  test(`YJS-10 a WebSocket frame with ${name} closes with ${code}`, () =>
    undisturbed(async (room) => {
      const socket = await openBytes(room);
      const closed = closeCodeOf(socket);
      socket.write(Uint8Array.from(bytes));
      assert.is(await closed, code);
    }));

test('YJS-10 bad bytes together with the handshake do no harm either', () =>
  undisturbed(async (room) => {
    const socket = open(room, [0xff, 0x80, ...mask]);
    socket.resume();
    await once(socket, 'close');
  }));

for (const [how, end] of Object.entries({
  'a FIN': (socket: Socket) => socket.end(),
  'a reset': (socket: Socket) => socket.resetAndDestroy(),
}))
  test(`YJS-10 half a frame and then ${how} changes nothing`, () =>
    undisturbed(async (room) => {
      const frame = [0x82, 0x80 + 14, ...mask, 0, 2, 11, ...insertA];
      for (let length = 0; length < frame.length; length += 3) {
        const socket = await openBytes(room);
        const closed = once(socket, 'close');
        socket.resume();
        socket.write(Uint8Array.from(frame.slice(0, length)));
        end(socket);
        await closed;
      }
    }));

test.run();
