// What a PATCH may ask for: all of it or nothing, and nothing that a document or a prototype can't carry.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { converged } from '../support/converged.ts';
import { metric } from '../support/metrics.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, call, plainHash, type HttpReply } from '../support/udt-client.ts';
import { connectProvider } from '../support/yjs-client.ts';

const start = { interface: { type: 't' }, samples: [{ document: 'hi' }, { document: 'yo' }] };

let server: TestServer;
const patches = suite('udt-patch');
patches.before(async () => void (server = await startServer()));
patches.after(() => server.remove());

function refused(reply: HttpReply, status: number, text: string | RegExp): void {
  assert.match(reply.text, text);
  assert.is(reply.status, status, reply.text);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain/);
}

/** Sends a PATCH that must be refused, and checks that it changed nothing. */
async function refuses(body: unknown, status: number, text: string | RegExp, udt: JsonObject = start) {
  const client = await UdtClient.create(server.url, udt);
  refused(await client.tryPatch(body), status, text);
  const { version, udt_json } = await client.get();
  assert.is(version, 0);
  assert.equal(udt_json, udt);
  assert.equal((await client.diffs(0)).patches, []);
}

async function accepts(patch: readonly object[], expected: Json): Promise<void> {
  const client = await UdtClient.create(server.url, start);
  const reply = await client.tryPatch({ patch });
  assert.is(reply.status, 200, reply.text);
  assert.equal((await client.get()).udt_json, expected);
}

patches('UDT-4 a patch is atomic: when one operation fails, nothing has changed', async () => {
  const good = [
    { op: 'replace', path: '/interface/type', value: 'x' },
    { op: 'remove', path: '/samples/0' },
  ];
  await refuses(
    { patch: [...good, { op: 'remove', path: '/samples/1' }] },
    409,
    'Operation 2 (remove /samples/1): the array has only 1 element',
  );
  await refuses(
    { patch: [...good, { op: 'test', path: '/interface/type', value: 't' }] },
    409,
    'Operation 2',
  );
  await refuses({ patch: [...good, { op: 'add', path: '/no/where', value: 1 }] }, 409, 'Operation 2');
});

patches('UDT-4 what cannot be applied', async () => {
  const conflict = (operation: object, text: string) => refuses({ patch: [operation] }, 409, text);
  await conflict({ op: 'replace', path: '/interface/no', value: 1 }, '/interface has no member "no"');
  await conflict({ op: 'replace', path: '/samples/2', value: 1 }, 'only 2 elements');
  await conflict({ op: 'add', path: '/samples/3', value: 1 }, 'only 2 elements');
  await conflict({ op: 'remove', path: '/samples/-' }, 'only 2 elements');
  await conflict({ op: 'add', path: '/samples/01', value: 1 }, '"01" is no index');
  await conflict({ op: 'add', path: '/interface/type/x', value: 1 }, 'neither an object nor an array');
  await conflict({ op: 'move', from: '/no', path: '/a' }, 'no member "no"');
  await conflict({ op: 'copy', from: '/samples/9', path: '/a' }, 'only 2 elements');
});

patches('UDT-4 a missing member may be removed, a missing top-level key replaced', async () => {
  await accepts([{ op: 'remove', path: '/no' }], start);
  await accepts([{ op: 'remove', path: '/samples/0/annotation' }], start);
  await accepts([{ op: 'replace', path: '/name', value: 'n' }], { ...start, name: 'n' });
});

patches('UDT-4 the root stays an object', async () => {
  for (const value of [[], 'text', 1, null]) {
    await refuses({ patch: [{ op: 'replace', path: '', value }] }, 409, 'the root must stay an object');
    await refuses({ patch: [{ op: 'add', path: '', value }] }, 409, 'the root must stay an object');
  }
  await refuses({ patch: [{ op: 'remove', path: '' }] }, 409, 'the root must stay an object');
  await refuses({ patch: [{ op: 'copy', from: '/samples', path: '' }] }, 409, 'the root must stay an object');
  await accepts([{ op: 'replace', path: '', value: { a: 1 } }], { a: 1 });
});

patches('UDT-4 __proto__ is refused anywhere', async () => {
  const proto = (operation: object) => refuses({ patch: [operation] }, 400, '__proto__');
  await proto({ op: 'add', path: '/__proto__', value: 1 });
  await proto({ op: 'add', path: '/__proto__/polluted', value: 1 });
  await proto({ op: 'remove', path: '/samples/0/__proto__' });
  await proto({ op: 'copy', from: '/__proto__', path: '/a' });
  await refuses('{"patch":[{"op":"add","path":"/a","value":{"__proto__":{}}}]}', 400, '__proto__');
  refused(await call('POST', `${server.url}/api/session`, '{"udt":{"a":{"__proto__":1}}}'), 400, '__proto__');
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
});

patches('UDT-4 constructor and prototype are refused in paths unless they are there', async () => {
  for (const path of [
    '/constructor',
    '/constructor/prototype/x',
    '/interface/prototype',
    '/no/constructor',
  ]) {
    for (const operation of [
      { op: 'add', path, value: 1 },
      { op: 'remove', path },
      { op: 'copy', from: path, path: '/a' },
    ])
      await refuses({ patch: [operation] }, 400, /(constructor|prototype) is allowed/);
  }
  const own = { constructor: { prototype: 1 } } as unknown as JsonObject;
  const client = await UdtClient.create(server.url, own);
  await client.patch([{ op: 'replace', path: '/constructor/prototype', value: 2 }]);
  assert.is(JSON.stringify((await client.get()).udt_json), '{"constructor":{"prototype":2}}');
});

patches('what is no JSON Patch is refused with what would be right', async () => {
  await refuses({ patch: {} }, 400, '"patch" should be a list');
  await refuses({ patch: [1] }, 400, 'Operation 0 should be an object');
  await refuses({ patch: [{ op: 'set', path: '/a', value: 1 }] }, 400, '"op" of operation 0 should be add,');
  await refuses({ patch: [{ op: 'remove', path: 1 }] }, 400, '"path" of operation 0 should be a string');
  await refuses({ patch: [{ op: 'copy', path: '/a' }] }, 400, '"from" of operation 0 should be a string');
  await refuses({ patch: [{ op: 'add', path: '/a' }] }, 400, '"value" of operation 0 should be given');
  await refuses({ patch: [{ op: 'remove', path: 'a' }] }, 400, 'start with "/"');
  await refuses({ patch: [{ op: 'remove', path: '/~2' }] }, 400, '"~"');
  await refuses({ patch: [], userName: 1 }, 400, '"userName" should be a string');
});

patches('UDT-22 what Yjs cannot carry is refused by name', async () => {
  const bad = [
    ['"\\ud800"', '/x/0 has a lone surrogate'],
    ['"a\\udc00b"', '/x/0 has a lone surrogate'],
    ['{"\\ud800":1}', '/x/0/\ufffd has a lone surrogate in its key'],
    ['1e999', '/x/0 is a number too large'],
    ['-1e999', '/x/0 is a number too large'],
  ] as const;
  for (const [json, problem] of bad) {
    const value = `{"x":[${json}]}`;
    await refuses(`{"patch":[{"op":"add","path":"/a","value":${value}}]}`, 400, `/patch/0/value${problem}`);
    refused(await call('POST', `${server.url}/api/session`, `{"udt":${value}}`), 400, `/udt${problem}`);
  }
  await accepts([{ op: 'add', path: '/a', value: '\u{1f600}' }], { ...start, a: '\u{1f600}' });
});

patches('UDT-22 what a Yjs client stores that JSON lacks is read as something', async () => {
  const client = await UdtClient.create(server.url, { samples: [] });
  const connect = () => connectProvider(server.socketUrl, client.id);
  const [yjs, other] = await Promise.all([connect(), connect()]);
  try {
    const odd = {
      nan: NaN,
      up: Infinity,
      down: -Infinity,
      big: 2n ** 53n,
      bytes: new Uint8Array([1]),
      none: undefined,
    };
    const members: [string, unknown][] = [...Object.entries(odd), ['__proto__', 1], ['__proto__', { a: 1 }]];
    const read = { nan: null, up: null, down: null, big: '9007199254740992', bytes: null };
    const udt = yjs.doc.getMap('udt');
    udt.set('map', new Y.Map(members));
    udt.set('plain', { ...odd, list: [undefined, NaN] });
    udt.set('array', Y.Array.from([NaN, new Uint8Array(2), [undefined, 1n]] as unknown[] as string[]));
    for (const [key, value] of members) udt.set(key, value);
    await converged([yjs, other]);

    const expected = {
      samples: [],
      map: read,
      plain: { ...read, list: [null, null] },
      array: [null, null, [null, '1']],
      ...read,
    };
    const { udt_json } = await client.get();
    assert.equal(udt_json, expected);
    assert.not(Object.hasOwn(udt_json, '__proto__'));
    const { patch, hashOfLatestState } = await client.diffs(0);
    assert.is(hashOfLatestState, plainHash(expected));
    assert.not.match(JSON.stringify(patch), '__proto__');
    await client.patch([{ op: 'add', path: '/map/more', value: 1 }]);
    assert.equal((await client.get()).udt_json, { ...expected, map: { ...read, more: 1 } });
    const counted = await metric(server.url, 'rejoin_events_total', { type: 'value-not-json' });
    assert.ok(counted > 0, 'the key is counted');
  } finally {
    yjs.destroy();
    other.destroy();
  }
});

patches.run();
