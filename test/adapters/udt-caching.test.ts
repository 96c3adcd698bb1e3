// What saves bytes on UDT's wire: compressed answers, and states that a client has already.

import { cp } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { request } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer, type TestServer } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, call } from '../support/udt-client.ts';

let server: TestServer;
let large: UdtClient;
let small: UdtClient;
const caching = suite('udt-caching');
caching.before(async () => {
  server = await startServer();
  const samples = Array.from({ length: 500 }, (_, i) => ({ document: `document number ${i}` }));
  large = await UdtClient.create(server.url, { samples });
  small = await UdtClient.create(server.url, { samples: [] });
});
caching.after(() => server.remove());

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** As it is on the wire: fetch would unpack it. */
function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        });
      });
    });
    asking.on('error', reject).end();
  });
}

const urlOf = (client: UdtClient, of = server): string => `${of.url}/api/session/${client.id}`;

caching('UDT-21 a large answer is compressed for those who ask, and says what it depends on', async () => {
  for (const url of [urlOf(large), `${urlOf(large)}/diffs?since=9`]) {
    const plain = await get(url);
    assert.is(plain.headers['content-encoding'], undefined);
    assert.is(plain.headers.vary, 'Accept-Encoding');
    for (const [encoding, unpack] of [['br', brotliDecompressSync] as const, ['gzip', gunzipSync] as const]) {
      const packed = await get(url, { 'Accept-Encoding': encoding });
      assert.is(packed.status, 200);
      assert.is(packed.headers['content-encoding'], encoding);
      assert.is(packed.headers['content-type'], plain.headers['content-type']);
      assert.is(packed.headers['content-length'], String(packed.body.length));
      assert.is(packed.headers.vary, 'Accept-Encoding');
      assert.is(packed.headers['access-control-allow-origin'], '*');
      assert.equal(unpack(packed.body), plain.body);
      assert.ok(packed.body.length < plain.body.length / 3);
    }
  }
});

caching('UDT-21 a small answer goes out as it is', async () => {
  const accepting = { 'Accept-Encoding': 'gzip, br' };
  const poll = await get(`${urlOf(large)}/diffs?since=0`, accepting);
  assert.is(poll.status, 200);
  assert.is(poll.headers['content-encoding'], undefined);
  assert.is(poll.headers['cache-control'], 'no-store');
  assert.is(poll.headers.vary, undefined);
  const read = await get(urlOf(small), accepting);
  assert.is(read.headers['content-encoding'], undefined);
  assert.is(read.headers.vary, 'Accept-Encoding');
  const missing = await get(`${server.url}/api/session/${'x'.repeat(2000)}`, accepting);
  assert.is(missing.headers['content-encoding'], undefined);
});

caching('UDT-21 a state that the client has is answered with 304, without a body', async () => {
  const first = await get(urlOf(large));
  const etag = String(first.headers.etag);
  assert.match(etag, /^W\/"[\w-]+"$/);
  assert.is(first.headers['cache-control'], 'no-cache');
  for (const given of [etag, etag.slice(2), `"other", ${etag}`, `W/"a",${etag.slice(2)} , "b"`, '*']) {
    const again = await get(urlOf(large), { 'If-None-Match': given, 'Accept-Encoding': 'br' });
    assert.is(again.status, 304, given);
    assert.is(again.body.length, 0);
    assert.is(again.headers.etag, etag);
    assert.is(again.headers['cache-control'], 'no-cache');
    assert.is(again.headers.vary, 'Accept-Encoding');
    assert.is(again.headers['access-control-allow-origin'], '*');
    assert.is(again.headers['access-control-allow-credentials'], 'true');
  }
  const head = await get(urlOf(large), { 'If-None-Match': etag }, 'HEAD');
  assert.is(head.status, 304);
  for (const given of ['"other"', 'W/""', '', etag.replace(/.$/, 'x"')]) {
    const other = await get(urlOf(large), { 'If-None-Match': given });
    assert.is(other.status, 200, given);
    assert.equal(other.body, first.body);
  }
  const missing = await get(`${server.url}/api/session/nope`, { 'If-None-Match': '*' });
  assert.is(missing.status, 404);
});

caching('UDT-21 every version has an ETag of its own, and every session', async () => {
  const client = await UdtClient.create(server.url, { n: 0 });
  const seen = new Set([String((await get(urlOf(small))).headers.etag)]);
  const versions: (number | null)[] = [null, 1, 0, 1]; // n = 0 comes again, as another version
  for (const n of versions) {
    await client.patch(n === null ? [] : [{ op: 'replace', path: '/n', value: n }]);
    const etag = String((await get(urlOf(client))).headers.etag);
    assert.not(seen.has(etag), etag);
    seen.add(etag);
  }
  assert.is(seen.size, 1 + versions.length);
});

caching('UDT-21 the ETag outlives the server, and is not that of a copy elsewhere', async () => {
  const own = await startServer();
  const client = await UdtClient.create(own.url, { samples: [] });
  const etag = String((await get(urlOf(client, own))).headers.etag);
  await own.stop();
  const copy = await temporaryFolder();
  await cp(own.data, copy, { recursive: true });
  const again = await startServer({ data: own.data });
  const elsewhere = await startServer({ data: copy });
  try {
    assert.is((await call('GET', urlOf(client, again), undefined, { 'If-None-Match': etag })).status, 304);
    const moved = await call('GET', urlOf(client, elsewhere), undefined, { 'If-None-Match': etag });
    assert.is(moved.status, 200);
    assert.is.not(moved.headers.get('etag'), etag);
  } finally {
    await again.remove();
    await elsewhere.remove();
    await removeFolder(copy);
  }
});

caching.run();
