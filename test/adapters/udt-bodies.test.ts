// Bodies that UDT's API has to cope with: no JSON, no text, too deep, too large, or only half of one.
// It takes long.

import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defects, metric } from '../support/metrics.ts';
import { peakMemoryBytes } from '../support/peak-memory.ts';
import { rawChunks, rawRequest, rawVanish } from '../support/raw-http.ts';
import { startProcess, startServer, type TestServer } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, call, refuses } from '../support/udt-client.ts';
import { until } from '../support/until.ts';

let server: TestServer;
let sessions: string;
let client: UdtClient;
let session: string;
const bodies = suite('udt-bodies');
bodies.before(async () => {
  server = await startServer();
  sessions = `${server.url}/api/session`;
  client = await UdtClient.create(server.url, { samples: [] });
  session = `${sessions}/${client.id}`;
});
bodies.after(() => server.remove());

/** How often a client's request could not be read. */
function refusals(): Promise<number> {
  return metric(server.url, 'rejoin_refused_total', { wire: 'udt', code: 'bad-request' });
}

bodies('UDT-5 bodies that are no JSON', async () => {
  for (const body of [
    '',
    'udt',
    '{"udt":{}',
    '{"udt":{}}x',
    "{'udt':{}}",
    '{"udt":NaN}',
    '['.repeat(10_000),
  ]) {
    await refuses('POST', sessions, body, 400, 'Invalid JSON');
    await refuses('PATCH', session, body, 400, 'Invalid JSON');
  }
  await refuses('POST', sessions, Uint8Array.of(0x22, 0xff, 0x22), 400, 'The body is not valid UTF-8');
  await refuses(
    'PATCH',
    session,
    Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
    400,
    'The body is not valid UTF-8',
  );
});

bodies('UDT-5 bodies that nest too deep, of any size', async () => {
  for (const body of [
    '['.repeat(5_000_000),
    '{"a":'.repeat(1_000_000),
    `{"udt":${'['.repeat(64)}${']'.repeat(64)}}`,
  ])
    await refuses('POST', sessions, body, 400, /nested deeper than 64 levels/);
  const deepest = `{"udt":{"a":${'['.repeat(62)}${']'.repeat(62)}}}`;
  assert.is((await call('POST', sessions, deepest)).status, 200);
});

bodies('UDT-5 UDT-22 large bodies are refused in the same words as small ones', async () => {
  const samples = Array.from({ length: 20_000 }, (_, i) => ({ document: `sample ${i}` }));
  const large = JSON.stringify({ udt: { samples } });
  assert.ok(large.length > 512 * 1024, 'it is parsed in pieces');
  const last = '{"document":"sample 19999"}';
  const lone = '/udt/samples/19999 has a lone surrogate: text must be valid Unicode';
  await refuses('POST', sessions, large.replace(last, '"\\udc00"'), 400, lone);
  const huge = '/udt/samples/19999 is a number too large for a double';
  await refuses('POST', sessions, large.replace(last, '1e400'), 400, huge);
  await refuses('POST', sessions, large.replace(last, '{]'), 400, 'Invalid JSON');
  await refuses('POST', sessions, large.slice(0, -1), 400, 'Invalid JSON');
  await refuses('POST', sessions, large.replace('"udt"', '"UDT"'), 400, 'Body should have "udt" key');
  const notUtf8 = Buffer.from(large);
  notUtf8[notUtf8.length - 10] = 0xff;
  await refuses('POST', sessions, notUtf8, 400, 'The body is not valid UTF-8');
  const odd = large.replace(last, '{"document":1,"document":"é😀"}');
  const made = await call('POST', sessions, `\ufeff ${odd}`);
  const { short_id } = JSON.parse(made.text) as { short_id: string };
  const { udt_json } = await new UdtClient(server.url, short_id).get();
  assert.equal(udt_json, { samples: [...samples.slice(0, -1), { document: 'é😀' }] });
});

bodies('a patch has 200,000 operations at most', async () => {
  const patch = (operations: number) => ({
    patch: Array.from({ length: operations }, () => ({ op: 'remove', path: '/nothing' })),
  });
  await refuses('PATCH', session, patch(200_001), 413, 'A patch may have 200000 operations at most');
  assert.is((await call('PATCH', session, patch(200_000))).status, 200);
});

bodies('UDT-5 a body over the limit is refused by its announced length', async () => {
  const { host } = new URL(server.url);
  for (const line of ['POST /api/session', `PATCH /api/session/${client.id}`]) {
    const length = `Content-Length: ${128 * 1024 * 1024 + 1}`;
    const reply = await rawRequest(server.url, [`${line} HTTP/1.1`, `Host: ${host}`, length, '', '']);
    assert.is(reply.status, 413);
    assert.is(reply.body, 'The body is larger than 134217728 bytes, the limit of this server');
    assert.is(reply.headers.get('access-control-allow-origin'), '*');
  }
});

bodies('UDT-5 a body over the limit is refused as it comes, and its sender hears of it', async () => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);
  const refused = new AbortController();
  let sent = 0;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    if (sent === 130 && !refused.signal.aborted) await once(refused.signal, 'abort');
    if (sent++ < 160) controller.enqueue(chunk);
    else controller.close();
  };
  const signal = AbortSignal.timeout(60_000);
  const options = { method: 'POST', body: new ReadableStream({ pull }), duplex: 'half', signal };
  const reply = await fetch(sessions, options);
  assert.is(reply.status, 413);
  refused.abort(); // the rest follows
  assert.is(await reply.text(), 'The body is larger than 134217728 bytes, the limit of this server');
});

bodies('UDT-20 a POST of 100 MiB works', async () => {
  const own = await startServer();
  try {
    const sample = `{"document":"${'x'.repeat(32 * 1024 - 16)}"}`;
    const samples = 100 * 32;
    const body = `{"udt":{"samples":[${Array.from({ length: samples }, () => sample).join(',')}]}}`;
    assert.ok(Buffer.byteLength(body) > 100 * 1024 * 1024);
    const made = await call('POST', `${own.url}/api/session`, body);
    assert.is(made.status, 200, made.text);
    const { short_id } = JSON.parse(made.text) as { short_id: string };
    const { udt_json } = await new UdtClient(own.url, short_id).get();
    assert.is((udt_json.samples as unknown[]).length, samples);
  } finally {
    await own.remove();
  }
});

bodies('UDT-20 --max-body sets another limit', async () => {
  const own = await startServer({ bodyBytesMax: 2048 });
  try {
    const bodyOf = (bytes: number) => `{"udt":{"a":"${'x'.repeat(bytes - 16)}"}}`;
    assert.is(bodyOf(2048).length, 2048);
    assert.is((await call('POST', `${own.url}/api/session`, bodyOf(2048))).status, 200);
    const sentence = 'The body is larger than 2048 bytes, the limit of this server';
    await refuses('POST', `${own.url}/api/session`, bodyOf(2049), 413, sentence);
    await refuses('PATCH', `${own.url}/api/session/x`, bodyOf(2049), 413, sentence);
  } finally {
    await own.remove();
  }
});

bodies('UDT-20 a body over the limit is not kept in memory', async () => {
  const folder = await temporaryFolder();
  const own = await startProcess(folder, { flags: ['--max-body', '4mb'] });
  try {
    const before = peakMemoryBytes(own.child.pid);
    if (before === null) {
      console.log('skipped: this system has no /proc that tells the peak of memory');
      return;
    }
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    const chunks = 512;
    const reply = await rawChunks(own.url, '/api/session', Array<Buffer>(chunks).fill(chunk));
    assert.is(reply.status, 413);
    assert.is(reply.body, `The body is larger than ${4 * 1024 * 1024} bytes, the limit of this server`);
    assert.is((await fetch(`${own.url}/healthz`)).status, 200);
    const grown = (peakMemoryBytes(own.child.pid) ?? Infinity) - before;
    assert.ok(grown < (chunks * chunk.length) / 4, `${grown} bytes`); // garbage of the network may wait to be collected
  } finally {
    await own.kill('SIGKILL');
    await removeFolder(folder);
  }
});

bodies('a client that vanishes in the middle of a body leaves nothing behind', async () => {
  const { host } = new URL(server.url);
  const { version } = await client.get();
  const refusedBefore = await refusals();
  const whole = '{"patch":[{"op":"add","path":"/half","value":1}]}';
  const head = [
    `PATCH /api/session/${client.id} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
  ];
  const halves = [
    ['Content-Length: 1000', '', whole],
    ['Transfer-Encoding: chunked', '', whole.length.toString(16), whole, ''],
  ];
  for (const [index, body] of halves.entries()) {
    await rawVanish(server.url, [...head, ...body]);
    await until('the server has noticed', async () => {
      return (await refusals()) === refusedBefore + index + 1;
    });
  }
  const after = await client.get();
  assert.is(after.version, version);
  assert.not(Object.hasOwn(after.udt_json, 'half'));
  assert.is(await defects(server.url), 0);
});

bodies.run();
