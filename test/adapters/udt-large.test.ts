// Large sessions on UDT's wire: they arrive whole, as a stream, and clients may leave in the middle of one.
// It takes long.

import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { defects, metric } from '../support/metrics.ts';
import { rawGet } from '../support/raw-http.ts';
import { UdtClient, call } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('udt-large');
const { server } = withServer(test);

const samples = Array.from({ length: 20_000 }, (_, i) => ({
  document: `sample ${i}: "é😀" ${'and so on, '.repeat(60)}`,
  annotation: i % 3 === 0 ? null : { labels: [`label ${i % 7}`], score: i / 7 },
}));
const udt: JsonObject = { interface: { type: 'text_classification', labels: ['a', 'b'] }, samples };

let client: UdtClient;
let path: string;
test.before(async () => {
  client = await UdtClient.create(server().url, udt);
  path = `/api/session/${client.id}`;
});

/** As it is on the wire. @param agent by default each has a connection of its own. */
async function get(
  target: string,
  headers: Record<string, string> = {},
  { method = 'GET', agent = false }: { method?: string; agent?: Agent | false } = {},
) {
  const asking = request(server().url + target, { method, headers, agent }).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const { statusCode: status } = response;
  const isReused = asking.reusedSocket;
  return { status, headers: response.headers, body: await buffer(response), isReused };
}

const plain = (bytes: Buffer): Buffer => bytes;

for (const [encoding, unpack] of [
  ['identity', plain],
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
] as const)
  test(`UDT-21 a large session arrives whole: ${encoding}`, async () => {
    const { status, headers, body } = await get(path, { 'Accept-Encoding': encoding });
    assert.is(status, 200);
    assert.is(headers['content-encoding'], encoding === 'identity' ? undefined : encoding);
    assert.is(headers['content-type'], 'application/json; charset=utf-8');
    assert.is(headers['content-length'], undefined);
    assert.is(headers.vary, 'Accept-Encoding');
    assert.is(headers['access-control-allow-origin'], '*');
    assert.match(String(headers.etag), /^W\//);
    const text = unpack(body).toString();
    const session = JSON.parse(text) as { udt_json: unknown; version: number };
    assert.is(JSON.stringify(session), text);
    assert.equal(session.udt_json, udt);
    assert.is(session.version, 0);
    if (encoding !== 'identity') assert.ok(body.length < text.length / 5);
  });

test('UDT-10 a poll that is answered with all of a large session', async () => {
  const { patch, patches } = await client.diffs(12_345);
  assert.equal(patch, [
    { op: 'replace', path: '/interface', value: udt.interface },
    { op: 'replace', path: '/samples', value: samples },
  ]);
  assert.equal(patches, [patch]);
  const packed = await get(`${path}/diffs?since=12345`, { 'Accept-Encoding': 'br' });
  assert.is(packed.headers['cache-control'], 'no-store');
  assert.equal(JSON.parse(brotliDecompressSync(packed.body).toString()), await client.diffs(12_345));
});

test('HEAD of a large session has the headers of GET and no body, and the connection goes on', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const encoding of ['identity', 'br']) {
    const head = await get(path, { 'Accept-Encoding': encoding }, { method: 'HEAD', agent });
    assert.is(head.status, 200);
    assert.is(head.body.length, 0);
    assert.is(head.headers['content-encoding'], encoding === 'br' ? 'br' : undefined);
    assert.match(String(head.headers.etag), /^W\//);
  }
  const { headers, isReused } = await get(path, {}, { method: 'HEAD', agent });
  assert.ok(isReused);
  assert.is((await get(path, { 'If-None-Match': String(headers.etag) }, { agent })).status, 304);
  agent.destroy();
});

test('a client of HTTP/1.0 reads to the end of the connection', async () => {
  const { hostname, port, host } = new URL(server().url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  const reply = (await buffer(socket)).toString();
  const body = reply.slice(reply.indexOf('\r\n\r\n') + 4);
  assert.equal((JSON.parse(body) as { udt_json: unknown }).udt_json, udt);
});

const answered = (): Promise<number> =>
  metric(server().url, 'rejoin_http_requests_total', { route: 'session', method: 'GET', status: '200' });

for (const encoding of ['identity', 'gzip', 'br'])
  test(`a client that leaves in the middle of a large session does no harm: ${encoding}`, async () => {
    const before = await answered();
    const { hostname, port, host } = new URL(server().url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept-Encoding: ${encoding}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await until('the server is done with it', async () => (await answered()) > before);
    assert.is(await defects(server().url), 0);
    assert.is((await rawGet(server().url, `${path}/diffs?since=0`)).status, 200);
  });

test('a change while a session is being sent does not show in it', async () => {
  const { hostname, port, host } = new URL(server().url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'readable'); // the rest waits until it is read
  const last = `/samples/${samples.length - 1}`;
  const patch = [{ op: 'replace', path: `${last}/document`, value: 'changed' }];
  assert.is((await call('PATCH', server().url + path, { patch })).status, 200);
  const reply = (await buffer(socket)).toString();
  const body = reply.slice(reply.indexOf('\r\n\r\n') + 4);
  assert.equal((JSON.parse(body) as { udt_json: unknown }).udt_json, udt);
  assert.is(((await client.get()).udt_json.samples as typeof samples).at(-1)?.document, 'changed');
});

test.run();
