// WS-21: frames that are written past `ws` keep their order with what `ws` sends, and are counted as they wait.

import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { framesOf, type Frames } from '../../src/adapters/frames.ts';
import { StreamOutgoing } from '../../src/adapters/stream-outgoing.ts';
import { ChangePrinter } from '../../src/wire/stream/print-changes.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';

const test = suite('stream outgoing');

let pair: SocketPair;
let network: Duplex;
let outgoing: StreamOutgoing;
test.before.each(async () => {
  pair = await socketPair();
  network = Reflect.get(pair.server, '_socket') as Duplex;
  outgoing = new StreamOutgoing(pair.server, network);
});
test.after.each(() => pair.end());

function numbered(seqnos: readonly number[], bytes = 10): Frames {
  const object = Buffer.from(JSON.stringify({ text: 'x'.repeat(bytes) }));
  const changes = seqnos.map(
    (seqno) => ({ type: 'object', kind: 'entry', serverId: 1, seqno, object }) as const,
  );
  return framesOf(changes, new ChangePrinter(1, 'p', 'original'));
}

test('WS-3 frames, messages and pings keep their order', async () => {
  const heard: unknown[] = [];
  pair.client.on('message', (data: Buffer) =>
    heard.push((JSON.parse(data.toString()) as { seqno: number }).seqno),
  );
  pair.client.on('ping', () => heard.push('ping'));
  const closed = new Promise((resolve) => pair.client.on('close', resolve));
  outgoing.sendFrames(numbered([1, 2]));
  outgoing.send('{"seqno":3}');
  outgoing.sendFrames(numbered([4], 100_000));
  void outgoing.drained();
  outgoing.sendFrames(numbered([5]));
  pair.server.close(1012);
  outgoing.sendFrames(numbered([6])); // nothing may follow a close
  assert.is(await closed, 1012);
  assert.equal(heard, [1, 2, 3, 4, 'ping', 5]);
});

test('WS-21 what waits is counted, with what each frame takes, until it has left', async () => {
  network.cork(); // as if it were full
  const seqnos = Array.from({ length: 100 }, (_, index) => index);
  const frames = numbered(seqnos, 1_000);
  const bytes = frames.pieces.reduce((sum, piece) => sum + piece.length, 0);
  outgoing.sendFrames(frames);
  assert.is(outgoing.unsentBytes, bytes + 100 * 512);
  outgoing.sendFrames({ pieces: [], count: 0 });
  assert.is(outgoing.unsentBytes, bytes + 100 * 512);
  for (let i = 0; i < 4; i++) outgoing.sendFrames(frames);
  assert.ok(outgoing.isFull);
  network.uncork();
  await outgoing.drained();
  await until('nothing waits', () => outgoing.unsentBytes === 0);
  assert.not.ok(outgoing.isFull);
});

test.run();
