// Input that is wrong, or only odd, over HTTP: each has one defined outcome, and what is refused changes nothing.
// It takes long.

import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { defects } from '../support/metrics.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, call, createSession, plainHash, refuses } from '../support/udt-client.ts';

const start = { interface: { type: 't' }, samples: [{ document: 'hi' }] };

let server: TestServer;
let sessions: string;
const input = suite('udt-bad-input');
input.before(async () => {
  server = await startServer();
  sessions = `${server.url}/api/session`;
});
input.after(() => server.remove());

/** Sends these PATCHes to one session; each must be refused, and change nothing. */
async function patchRefused(...cases: readonly (readonly [body: unknown, status: number, text: RegExp])[]) {
  const client = await UdtClient.create(server.url, start);
  for (const [body, status, text] of cases)
    await refuses('PATCH', `${sessions}/${client.id}`, body, status, text);
  const { version, udt_json } = await client.get();
  assert.is(version, 0);
  assert.equal(udt_json, start);
}

/** Sends this text as a PATCH. @returns what `/a` is then. */
async function patched(text: string): Promise<Json | undefined> {
  const client = await UdtClient.create(server.url, start);
  const reply = await client.tryPatch(text);
  assert.is(reply.status, 200, reply.text);
  const { udt_json } = await client.get();
  const { hashOfLatestState } = JSON.parse(reply.text) as { hashOfLatestState: number };
  assert.is(hashOfLatestState, plainHash(udt_json));
  return udt_json.a;
}

const adding = (valueText: string): string => `{"patch":[{"op":"add","path":"/a","value":${valueText}}]}`;

async function created(udtText: string): Promise<JsonObject> {
  const { short_id } = await createSession(server.url, `{"udt":${udtText}}`);
  return (await new UdtClient(server.url, short_id).get()).udt_json;
}

input('UDT-5 depth bombs of a million brackets, in every place that a body has', async () => {
  const arrays = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
  const objects = `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`;
  const tooDeep = /^The JSON is nested deeper than 64 levels$/;
  for (const bomb of [arrays, objects]) {
    await patchRefused(
      [adding(bomb), 400, tooDeep],
      [`{"patch":${bomb}}`, 400, tooDeep],
      [`{"patch":[],"userName":${bomb}}`, 400, tooDeep],
      [`{"patch":[],"other":${bomb}}`, 400, tooDeep],
      [`{"patch":[{"op":"test","path":"","value":${bomb}}]}`, 400, tooDeep],
    );
    await refuses('POST', sessions, `{"udt":{"a":${bomb}}}`, 400, tooDeep);
    await refuses('POST', sessions, `{"udt":{},"other":${bomb}}`, 400, tooDeep);
  }
  assert.is(await patched(adding(JSON.stringify('['.repeat(1_000_000)))), '['.repeat(1_000_000));
});

input('UDT-5 depth that is made of many operations', async () => {
  const levels = (count: number) =>
    Array.from({ length: count }, (_, i): Operation => ({
      op: 'add',
      path: `/d${'/x'.repeat(i)}`,
      value: {},
    }));
  const tooDeep = /^Operation 63 \(add \/d(\/x){63}\): the value would be nested deeper than 64 levels$/;
  await patchRefused([{ patch: levels(64) }, 400, tooDeep], [{ patch: levels(2000) }, 400, tooDeep]);
  const client = await UdtClient.create(server.url, start);
  await client.patch(levels(63));
  await refuses(
    'PATCH',
    `${sessions}/${client.id}`,
    { patch: [{ op: 'copy', from: '/d', path: '/d/y' }] },
    400,
    /64 levels/,
  );
  await refuses(
    'PATCH',
    `${sessions}/${client.id}`,
    { patch: [{ op: 'move', from: '/d', path: '/samples/0/d' }] },
    400,
    /64 levels/,
  );
  await patchRefused(
    [{ patch: [{ op: 'add', path: '/a'.repeat(100_000), value: 1 }] }, 409, /: the root has no member "a"$/],
    [{ patch: [{ op: 'remove', path: '/'.repeat(1_000_000) }] }, 409, /: the root has no member ""$/],
  );
});

input('keys and paths of a megabyte', async () => {
  const key = 'k'.repeat(1024 * 1024);
  assert.equal(await created(`{"${key}":{"${key}":1}}`), { [key]: { [key]: 1 } });
  const client = await UdtClient.create(server.url, start);
  await client.patch([
    { op: 'add', path: `/${key}`, value: 1 },
    { op: 'move', from: `/${key}`, path: `/samples/0/${key}` },
  ]);
  const { version, udt_json } = await client.get();
  assert.equal(udt_json.samples, [{ document: 'hi', [key]: 1 }]);
  assert.is((await client.diffs(version - 1)).hashOfLatestState, plainHash(udt_json));
  await patchRefused(
    [{ patch: [{ op: 'replace', path: `/samples/0/${key}`, value: 1 }] }, 409, /^.{10000} … k{9999}"$/],
    [
      { patch: [{ op: key, path: '/a' }] },
      400,
      /^"op" of operation 0 should be add, remove, replace, move, copy or test$/,
    ],
    [{ patch: [], userName: key }, 400, /^"userName" should have at most 256 characters$/],
  );
});

input('UDT-4 __proto__ as a key, however it is written', async () => {
  const refusal = /__proto__ has the key __proto__, which is not allowed$/;
  await patchRefused(
    [adding('{"__proto__":1}'), 400, /^\/patch\/0\/value\/__proto__ has/],
    [adding('{"a":1,"__proto__":{"b":1},"__proto__":2}'), 400, refusal],
    [adding('[[{"\\u005f_proto__":null}]]'), 400, refusal],
    ['{"patch":[],"__proto__":{}}', 400, refusal],
    ['{"__proto__":{"patch":[]}}', 400, refusal],
    ['{"patch":[{"op":"remove","path":"/a","__proto__":{}}]}', 400, refusal],
    ['{"patch":[{"__proto__":{"op":"remove","path":"/samples"}}]}', 400, refusal],
    ['{"patch":[{"op":"remove","path":"/\\u005f_proto__"}]}', 400, /__proto__ is not allowed in a path$/],
    ['{"patch":[{"op":"test","path":"/samples/__proto__/length","value":0}]}', 400, /not allowed in a path$/],
  );
  for (const udt of ['{"__proto__":{"a":1}}', '{"a":{"__proto__":1,"__proto__":2}}', '{"\\u005f_proto__":1}'])
    await refuses('POST', sessions, `{"udt":${udt}}`, 400, refusal);
  await refuses('POST', sessions, '{"__proto__":{"udt":{}}}', 400, refusal);
  assert.is(await patched(adding('"__proto__"')), '__proto__', 'a value is only text');
  await refuses('GET', `${sessions}/__proto__`, undefined, 404, 'Session "__proto__" Not Found');
  assert.not(Object.hasOwn(Object.prototype, 'a'));
});

input('UDT-22 lone surrogates, escaped and as bytes', async () => {
  const lone = /has a lone surrogate/;
  await patchRefused(
    [adding('"\\ud800"'), 400, /^\/patch\/0\/value has a lone surrogate: text must be valid Unicode$/],
    [adding('"\\ude00\\ud83d"'), 400, lone],
    [adding('{"x":{"a\\udfff":1}}'), 400, /^\/patch\/0\/value\/x\/a\ufffd has a lone surrogate in its key$/],
    ['{"patch":[{"op":"add","path":"/\\ud800","value":1}]}', 400, /^\/patch\/0\/path has a lone/],
    ['{"patch":[{"op":"\\ud800","path":"/a"}]}', 400, /^\/patch\/0\/op has a lone/],
    ['{"patch":[],"userName":"\\ud800"}', 400, /^\/userName has a lone/],
  );
  await refuses('POST', sessions, '{"udt":{"\\udbff":1}}', 400, lone);
  const bytes = (...units: number[]) =>
    Buffer.concat([
      Buffer.from('{"patch":[{"op":"add","path":"/a","value":"'),
      Buffer.from(units),
      Buffer.from('"}]}'),
    ]);
  const noUtf8 = /^The body is not valid UTF-8$/;
  await patchRefused(
    [bytes(0xed, 0xa0, 0x80), 400, noUtf8],
    [bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), 400, noUtf8], // a pair, each half encoded alone
    [bytes(0xc0, 0x80), 400, noUtf8],
    [bytes(0xff), 400, noUtf8],
    [bytes(0xf4, 0x90, 0x80, 0x80), 400, noUtf8],
    [Buffer.from([...Buffer.from('{"patch":[]}'), 0xf0, 0x9f]), 400, noUtf8],
    [Buffer.from('{"patch":[]}', 'utf16le'), 400, /^Invalid JSON$/],
  );
  assert.is(await patched(adding('"\\ud83d\\ude00"')), '\u{1f600}');
});

input('UDT-22 numbers that are too large for a double, and those that are only odd', async () => {
  const tooLarge = /is a number too large for a double$/;
  await patchRefused(
    [adding('1e400'), 400, /^\/patch\/0\/value is a number too large/],
    [adding('{"x":[0,-1e400]}'), 400, /^\/patch\/0\/value\/x\/1 is a number too large/],
    ['{"patch":[{"op":"test","path":"/a","value":1e309}]}', 400, tooLarge],
    ['{"patch":[],"other":1e400}', 400, tooLarge],
    [adding('1'.repeat(400)), 400, tooLarge],
    [adding('NaN'), 400, /^Invalid JSON$/],
    [adding('-Infinity'), 400, /^Invalid JSON$/],
    [adding('01'), 400, /^Invalid JSON$/],
  );
  await refuses('POST', sessions, '{"udt":{"a":1e400}}', 400, /^\/udt\/a is a number too large/);
  const odd = '[1e-400,1E+2,1.7976931348623157e308,5e-324,123456789012345678901234567890,0.10]';
  assert.equal(await patched(adding(odd)), [
    0,
    100,
    Number.MAX_VALUE,
    5e-324,
    123456789012345680000000000000,
    0.1,
  ]);
  assert.equal(await patched(adding('[-0]')), [0]);
});

input('of duplicate keys the last one counts, as JSON.parse has it', async () => {
  assert.equal(await patched(adding('{"x":1,"y":2,"x":{"z":1,"z":3}}')), { x: { z: 3 }, y: 2 });
  assert.equal(await created('{"a":1,"a":[2]}'), { a: [2] });
  const twice = '{"patch":[{"op":"add","path":"/a","value":1}],"patch":[{"op":"add","path":"/a","value":2}]}';
  assert.is(await patched(twice), 2);
  const operation = '{"op":"remove","op":"add","path":"/b","path":"/a","value":1,"value":5}';
  assert.is(await patched(`{"patch":[${operation}]}`), 5);
  await patchRefused(['{"patch":[],"patch":1}', 400, /^"patch" should be a list of JSON Patch operations$/]);
});

input('a body that is compressed is refused, and says so', async () => {
  const body = gzipSync(JSON.stringify({ udt: {} }));
  const headers = { 'Content-Encoding': 'gzip' };
  const { status, text } = await call('POST', `${server.url}/api/session`, body, headers);
  assert.is(status, 400);
  assert.is(text, 'A body in the encoding "gzip" is not taken: send it as it is');
});

input('NUL is text like any other, but not in the name of a session', async () => {
  assert.equal(await patched(adding('{"\\u0000":"a\\u0000b","c\\u0000":[]}')), { '\0': 'a\0b', 'c\0': [] });
  assert.is(
    await patched(
      '{"patch":[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/\\u0000","value":1},{"op":"move","from":"/a/\\u0000","path":"/a"}]}',
    ),
    1,
  );
  await patchRefused([adding('"\0"'), 400, /^Invalid JSON$/]);
  const client = await UdtClient.create(server.url, start);
  for (const id of ['%00', `${client.id}%00`, `%00${client.id}`]) {
    const text = `Session "${decodeURIComponent(id)}" Not Found`;
    await refuses('GET', `${sessions}/${id}`, undefined, 404, text);
    await refuses('GET', `${sessions}/${id}/diffs?since=0`, undefined, 404, text);
    await refuses('PATCH', `${sessions}/${id}`, { patch: [] }, 404, text);
  }
});

input('UDT-5 session ids that are none', async () => {
  for (const id of [
    'x'.repeat(10 * 1024),
    '%C3%A4'.repeat(129),
    '..%2F..%2Fetc',
    '%20',
    '"<script>'.repeat(3),
  ]) {
    const text = `Session "${decodeURIComponent(id)}" Not Found`;
    await refuses('GET', `${sessions}/${id}`, undefined, 404, text);
    await refuses('PATCH', `${sessions}/${id}`, { patch: [] }, 404, text);
    await refuses('GET', `${sessions}/${id}/diffs?since=0`, undefined, 404, text);
  }
  await refuses(
    'GET',
    `${sessions}/%ED%A0%80`,
    undefined,
    400,
    'The session id "%ED%A0%80" has a bad escape',
  );
  await refuses('GET', `${sessions}/%`, undefined, 400, 'The session id "%" has a bad escape');
});

input('UDT-5 bodies that are nothing, or something else', async () => {
  for (const body of ['', ' \n', 'udt=1&patch=2', '<udt/>', '\u{1f600}']) {
    await refuses('POST', sessions, body, 400, 'Invalid JSON');
    await patchRefused([body, 400, /^Invalid JSON$/]);
  }
  for (const [body, text] of [
    ['{"patch":null}', /^"patch" should be a list/],
    ['{"patch":"[]"}', /^"patch" should be a list/],
    ['{"patch":{"0":{},"length":1}}', /^"patch" should be a list/],
    ['{"patch":[null]}', /^Operation 0 should be an object$/],
    ['{"patch":[[]]}', /^Operation 0 should be an object$/],
    ['{"patch":[{"op":"remove","path":"/x"},"remove"]}', /^Operation 1 should be an object$/],
    ['{"patch":[{}]}', /^"op" of operation 0 should be add, remove/],
    ['{"patch":[{"op":"Remove","path":"/x"}]}', /^"op" of operation 0 should be/],
    ['{"patch":[{"op":"toString","path":"/x"}]}', /^"op" of operation 0 should be/],
    ['{"patch":[{"op":"remove"}]}', /^"path" of operation 0 should be a string/],
    ['{"patch":[{"op":"remove","path":["x"]}]}', /^"path" of operation 0 should be a string/],
    ['{"patch":[{"op":"move","path":"/x","from":null}]}', /^"from" of operation 0 should be a string/],
    ['{"patch":[{"op":"add","path":"/x"}]}', /^"value" of operation 0 should be given$/],
    [
      '{"patch":[{"op":"remove","path":"x"}]}',
      /^Operation 0 \(remove x\): "x" must be empty or start with "\/"$/,
    ],
    ['{"patch":[{"op":"remove","path":"#/x"}]}', /must be empty or start with "\/"$/],
    ['{"patch":[{"op":"remove","path":"/~"}]}', /"~" that is not followed by 0 or 1$/],
    ['{"patch":[],"userName":{}}', /^"userName" should be a string$/],
  ] as const)
    await patchRefused([body, 400, text]);
  // What a body is called doesn't matter: v1 clients are no browsers only.
  const plain = { 'Content-Type': 'text/plain' };
  assert.is((await call('POST', sessions, '{"udt":{}}', plain)).status, 200);
  assert.equal(await created('{"a":1}\r\n'), { a: 1 });
});

input('200,000 operations work, whatever they do, and one more is refused by its number', async () => {
  const count = 200_000;
  const all = Array.from({ length: count }, (_, i) => i);
  const client = await UdtClient.create(server.url, { list: [], samples: [{ document: 'hi' }] });
  const patch = async (operation: (i: number) => object) => {
    const reply = await client.tryPatch({ patch: all.map(operation) });
    assert.is(reply.status, 200, reply.text);
    const { udt_json } = await client.get();
    assert.is(
      (JSON.parse(reply.text) as { hashOfLatestState: number }).hashOfLatestState,
      plainHash(udt_json),
    );
    return udt_json.list as Json[];
  };
  assert.equal(await patch((value) => ({ op: 'add', path: '/list/-', value })), all);
  assert.equal(
    new Set(await patch((i) => ({ op: 'replace', path: `/list/${i}`, value: 'x' }))),
    new Set(['x']),
  );
  assert.is((await patch((i) => ({ op: 'add', path: '/samples/0/annotation', value: i }))).length, count);
  assert.equal(await patch((i) => ({ op: 'remove', path: `/list/${count - 1 - i}` })), []);
  const more = { patch: [...all, 0].map(() => ({ op: 'remove', path: '/x' })) };
  await refuses('PATCH', `${sessions}/${client.id}`, more, 413, 'A patch may have 200000 operations at most');
});

input('nothing of all that was taken for a defect of the server', async () => {
  assert.is(await defects(server.url), 0);
});

input.run();
