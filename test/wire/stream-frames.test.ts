// Text frames of `/ws`: what is read from them before their message is known, and what the server prints.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { readMuxId, readMuxIdOfText } from '../../src/wire/stream/mux-id.ts';
import { parseClientFrame } from '../../src/wire/stream/parse.ts';
import * as print from '../../src/wire/stream/print.ts';
import { ChangePrinter } from '../../src/wire/stream/print-changes.ts';

function throwsWith(run: () => unknown, message: string) {
  assert.throws(run, (error: unknown) => {
    if (!(error instanceof RejoinError)) throw error;
    assert.is(error.code, 'bad-request');
    assert.ok(error.message.includes(message), `${error.message}\nshould say\n${message}`);
    return true;
  });
}

const frames = suite('frames');

frames('WS-19 a JSON object is a message', () => {
  assert.equal(parseClientFrame(' {"type":"close","mux_id":0} '), { type: 'close', mux_id: 0 });
});

frames('WS-19 anything else is refused, and named', () => {
  throwsWith(() => parseClientFrame('null'), 'must be a JSON object; this one is null');
  throwsWith(() => parseClientFrame('[{}]'), 'this one is a list');
  throwsWith(() => parseClientFrame('"x"'), 'this one is a string');
  throwsWith(() => parseClientFrame('7'), 'this one is a number');
  throwsWith(() => parseClientFrame('true'), 'this one is a boolean');
  for (const text of ['', '{', '{"a":1,}', "{'a':1}", 'undefined', '{}{}', '{"a":NaN}', '\ufeff{}'])
    throwsWith(() => parseClientFrame(text), 'Invalid JSON');
});

frames('WS-25 what Yjs cannot carry is refused', () => {
  throwsWith(() => parseClientFrame('{"mux_id":"\\ud800"}'), '/mux_id has a lone surrogate');
  throwsWith(() => parseClientFrame('{"a":[1e400]}'), '/a/0 is a number too large');
  throwsWith(() => parseClientFrame('{"__proto__":{"mux_id":1}}'), '__proto__');
  throwsWith(() => parseClientFrame('{"a":'.repeat(100_000)), 'nested deeper');
});

frames('WS-19 the mux_id of a bad message is read when it can be echoed', () => {
  for (const muxId of [0, '', 'a', 1.5, -3, 2 ** 53 - 1, 'constructor', 'm'.repeat(256)])
    assert.is(readMuxId({ mux_id: muxId }), muxId);
  for (const muxId of [null, true, [], {}, [1], 2 ** 53, 1e300, 'm'.repeat(257)])
    assert.is(readMuxId({ mux_id: muxId }), undefined);
  assert.is(readMuxId({}), undefined);
});

frames('WS-19 the mux_id of a frame that was refused whole is found in its text', () => {
  const cases: [text: string, muxId: string | number | undefined][] = [
    ['{"type":"upload","mux_id":7,"objects":[{"a":1e400}]}', 7],
    ['{"objects":[{"mux_id":1,"a":"\\ud800","b":"}\\"]"}], "mux_id" : "a\\u0062\\"" }', 'ab"'],
    ['{"mux_id":"","__proto__":1}', ''],
    ['{"mux_id":-1.5e1,', -15],
    ['{"mux_id":1,"mux_id":2,"a":1e400}', 2],
    ['{"a":"mux_id","b":{"mux_id":1},"c":1e400}', undefined],
    ['[{"mux_id":1}]', undefined],
    ['["mux_id":1]', undefined],
    ['{"mux_id":9007199254740993,"a":1e400}', undefined],
    ['{"mux_id":{"mux_id":1},"a":1e400}', undefined],
    ['{"mux_id":"\\ud800"}', undefined],
    ['{"mux_id":"unfinished', undefined],
    ['{"mux_id":1e400}', undefined],
    ['{"mux_id":--1}', undefined],
    ['{"mux_id"', undefined],
    ['{"mux_id":', undefined],
    ['"', undefined],
    ['', undefined],
    ['{"mux_id":1,"deep":' + '['.repeat(1_000_000), 1],
  ];
  for (const [text, muxId] of cases) assert.is(readMuxIdOfText(text), muxId, text.slice(0, 60));
});

frames.run();

const printing = suite('printing');

function printed(
  muxId: string | number,
  project: string,
  serverId: number,
  seqno: number,
  kind: 'entry' | 'comment',
  json: string,
): string {
  const change = { type: 'object', kind, serverId, seqno, object: Buffer.from(json) } as const;
  const printer = new ChangePrinter(muxId, project, 'original');
  const { start, rest } = printer.tail(change);
  return Buffer.concat([Buffer.from(printer.head(change) + start, 'latin1'), rest]).toString();
}

printing('WS-10 a stored object is spliced in as it is', () => {
  const text = printed('a"', '7', 3, 4, 'entry', '{"report_uuid":"rö","x":1.0}');
  assert.is(
    text,
    '{"type":"entry","mux_id":"a\\"","srv_id":3,"seqno":4,"proj_id":7,"report_uuid":"rö","x":1.0}',
  );
  const named = printed(0, '007"', 1, 1, 'comment', '{"a":1}');
  assert.is(named, '{"type":"comment","mux_id":0,"srv_id":1,"seqno":1,"proj_id":"007\\"","a":1}');
});

printing('WS-3 sync carries the version vector, sorted', () => {
  const since = new Map([[10, 1], [9, 2]]); // prettier-ignore
  assert.is(print.printSync('', since), '{"type":"sync","mux_id":"","since":[[9,2],[10,1]]}');
});

printing('WS-1 the mux_id is echoed unchanged on every reply', () => {
  assert.is(print.printClosed(1), '{"type":"closed","mux_id":1}');
  assert.is(print.printClosed('1'), '{"type":"closed","mux_id":"1"}');
  assert.is(print.printUploaded(0.1), '{"type":"uploaded","mux_id":0.1}');
});

printing('WS-19 an error has the mux_id if it could be read', () => {
  assert.is(
    print.printError(0, 'bad-request', 'a "b"'),
    '{"type":"error","mux_id":0,"code":"bad-request","message":"a \\"b\\""}',
  );
  assert.is(
    print.printError(undefined, 'too-large', 'x'),
    '{"type":"error","code":"too-large","message":"x"}',
  );
});

printing.run();
