// What streams say as WebSocket frames: headers of every length, and live messages made once for all who hear them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SharedFrames, framesOf, type Frames } from '../../src/adapters/frames.ts';
import { ChangePrinter } from '../../src/wire/stream/print-changes.ts';

const frames = suite('frames');

function change(bytes: number, seqno = 1) {
  const object = Buffer.from(JSON.stringify({ text: 'ü'.repeat(bytes / 2) }));
  return { type: 'object', kind: 'entry', serverId: 1, seqno, object } as const;
}

function whole({ pieces }: Frames): Buffer {
  return Buffer.concat(pieces);
}

/** The payloads of unmasked text frames. */
function payloadsOf(bytes: Buffer): string[] {
  const payloads: string[] = [];
  for (let at = 0; at < bytes.length;) {
    assert.is(bytes.readUInt8(at), 0x81);
    const short = bytes.readUInt8(at + 1);
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    // Each length in the shortest form, as the RFC has it.
    assert.is(short, length < 126 ? length : length < 0x10000 ? 126 : 127);
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    at = start + length;
    payloads.push(bytes.toString('utf8', start, at));
  }
  return payloads;
}

frames('WS-10 a frame of any length holds its message, alone or with others', () => {
  const printer = new ChangePrinter('mü', 'project', 'original');
  const changes = [0, 30, 40, 42, 44, 60_000, 65_440, 65_460, 65_480, 200_000].map((bytes) => change(bytes));
  const expected = changes.map(
    ({ object }) =>
      `{"type":"entry","mux_id":"mü","srv_id":1,"seqno":1,"proj_id":"project",${object.toString().slice(1)}`,
  );
  const history = framesOf(changes, printer);
  assert.is(history.count, changes.length);
  assert.equal(payloadsOf(whole(history)), expected);
  assert.ok(whole(new SharedFrames().framesOf(changes, printer)).equals(whole(history)));
  for (const bytes of Array.from({ length: 80 }, (_, index) => index * 2)) {
    const [payload] = payloadsOf(whole(framesOf([change(bytes)], printer)));
    assert.ok(payload?.endsWith(`${'ü'.repeat(bytes / 2)}"}`));
  }
});

frames('WS-10 a live message is made once for each vocabulary, and shared', () => {
  const shared = new SharedFrames();
  const live = change(1_000);
  const framesFor = (muxId: number, vocabulary: 'original' | 'later'): readonly Uint8Array[] =>
    shared.framesOf([live], new ChangePrinter(muxId, 'p', vocabulary)).pieces;
  for (const vocabulary of ['original', 'later'] as const) {
    const [first] = framesFor(1, vocabulary);
    assert.is(framesFor(1, vocabulary)[0], first, 'the same frame for the same mux_id');
    const [begin, rest] = framesFor(2, vocabulary);
    assert.is(rest?.buffer, first?.buffer, 'the same bytes for another mux_id');
    const printer = new ChangePrinter(2, 'p', vocabulary);
    assert.equal(Buffer.concat([begin!, rest!]), whole(framesOf([live], printer)));
  }
});

frames('WS-10 live messages that several streams send together are one buffer for all of them', () => {
  const shared = new SharedFrames();
  const [a, b, c] = [change(1_000, 1), change(10, 2), change(100, 3)] as const;
  const printer = new ChangePrinter(1, 'p', 'original');
  const { pieces } = shared.framesOf([a, b, c], printer);
  assert.is(pieces.length, 1);
  assert.is(shared.framesOf([a, b, c], new ChangePrinter(1, 'p', 'original')).pieces[0], pieces[0]);
  for (const changes of [
    [a, c],
    [a, b],
    [a, b, c, b],
    [b, c],
  ])
    // prettier-ignore
    assert.equal(whole(shared.framesOf(changes, printer)), whole(framesOf(changes, printer)));
  const other = new ChangePrinter('other', 'p', 'original');
  assert.equal(whole(shared.framesOf([a, b, c], other)), whole(framesOf([a, b, c], other)));
});

frames('WS-23 a patch is a frame like any other', () => {
  const patch = [{ op: 'add', path: '/ü', value: 1 }] as const;
  const told = { type: 'patch', serverId: 1, seqno: 2, patch, userName: 'é', timeMs: 0 } as const;
  const rest =
    '"patch":[{"op":"add","path":"/ü","value":1}],"user_name":"é","time":"1970-01-01T00:00:00.000Z"}';
  for (const [vocabulary, name] of [
    ['original', 'proj_id'],
    ['later', 'project'],
  ] as const) {
    // prettier-ignore
    const printer = new ChangePrinter(1, '7', vocabulary);
    const text = `{"type":"patch","mux_id":1,"srv_id":1,"seqno":2,"${name}":7,${rest}`;
    for (const made of [framesOf([told], printer), new SharedFrames().framesOf([told], printer)])
      assert.equal(payloadsOf(whole(made)), [text]);
  }
});

frames.run();
