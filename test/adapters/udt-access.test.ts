// Who may reach what: host names against DNS rebinding, origins of pages, and projects that are not UDT's.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rawGet, rawUpgrade } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { StreamClient, newEntry } from '../support/stream-client.ts';
import { UdtClient, call } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { connectProvider } from '../support/yjs-client.ts';

let server: TestServer;
let allowing: TestServer;
const access = suite('udt-access');
access.before(async () => {
  server = await startServer();
  allowing = await startServer({
    publicUrl: new URL('https://rejoin.example/base'),
    allowedOrigins: ['https://app.example:8443'],
    udtAll: true,
  });
});
access.after(async () => {
  await server.remove();
  await allowing.remove();
});

async function statusOfHost(of: TestServer, host: string, target = '/healthz'): Promise<number> {
  return (await rawGet(of.url, target, { Host: host })).status;
}

async function statusOfOrigin(of: TestServer, target: string, origin?: string): Promise<number> {
  return (await rawUpgrade(of.url, target, origin === undefined ? {} : { Origin: origin })).status;
}

access('a server on a loopback address answers to loopback names only', async () => {
  const { port } = new URL(server.url);
  const own = ['127.0.0.1', 'localhost', 'LOCALHOST', 'app.localhost', '127.9.9.9', '[::1]'];
  for (const name of own) {
    assert.is(await statusOfHost(server, name), 200, name);
    assert.is(await statusOfHost(server, `${name}:${port}`), 200, name);
  }
  const foreign = [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    'a b',
  ];
  for (const name of foreign) {
    for (const target of ['/healthz', '/', '/api/session/x', '/api/session/x/diffs?since=0', '/nothing'])
      assert.is(await statusOfHost(server, name, target), 403, `${name} ${target}`);
    for (const target of ['/ws', '/yjs/p'])
      assert.is((await rawUpgrade(server.url, target, { Host: name })).status, 403, `${name} ${target}`);
  }
  const { body } = await rawGet(server.url, '/', { Host: 'evil.example' });
  assert.match(body, 'start it with --public-url http://evil.example');
});

access('the hosts of --public-url and --allow-origin are its own too', async () => {
  for (const name of ['rejoin.example', 'app.example', 'app.example:1', 'localhost'])
    assert.is(await statusOfHost(allowing, name), 200, name);
  assert.is(await statusOfHost(allowing, 'evil.example'), 403);
});

access(
  'sockets are open to programs, to the own origin, to loopback pages and to allowed origins',
  async () => {
    const { host } = new URL(server.url);
    for (const target of ['/ws', '/yjs/p']) {
      for (const origin of [
        undefined,
        `http://${host}`,
        'http://localhost:3000',
        'https://127.0.0.1',
        'http://[::1]:1',
      ])
        assert.is(await statusOfOrigin(server, target, origin), 101, `${target} ${origin ?? ''}`);
      const foreign = [
        'https://evil.example',
        'null',
        'http://localhost.evil.example',
        'file://',
        '',
        'https://rejoin.example',
      ];
      for (const origin of foreign)
        assert.is(await statusOfOrigin(server, target, origin), 403, `${target} ${origin}`);

      for (const origin of ['https://rejoin.example', 'https://app.example:8443'])
        assert.is(await statusOfOrigin(allowing, target, origin), 101, `${target} ${origin}`);
      for (const origin of ['https://app.example', 'http://app.example:8443', 'https://x.rejoin.example'])
        assert.is(await statusOfOrigin(allowing, target, origin), 403, `${target} ${origin}`);
    }
    const own = await rawUpgrade(allowing.url, '/ws', {
      Host: 'rejoin.example',
      Origin: 'https://rejoin.example',
    });
    assert.is(own.status, 101);
    const { body, headers } = await rawUpgrade(server.url, '/ws', { Origin: 'https://evil.example' });
    assert.match(body, 'start the server with --allow-origin https://evil.example');
    assert.is(headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.not(headers.has('access-control-allow-origin'));
  },
);

access('upgrades elsewhere are refused', async () => {
  const statusOf = async (target: string) => (await rawUpgrade(server.url, target)).status;
  assert.is(await statusOf('/'), 404);
  assert.is(await statusOf('/wsx'), 404);
  assert.is(await statusOf('/api/session'), 404);
  assert.is(await statusOf('/yjs/'), 400);
  assert.is(await statusOf('/yjs/%zz'), 400);
});

access("UDT's API serves sessions only, whatever else the server has", async () => {
  const cases = [
    [server, 404, 'Session "streamed" Not Found', 'Session "painted" Not Found'],
    [allowing, 200, undefined, undefined],
  ] as const;
  for (const [of, status, streamed, painted] of cases) {
    const stream = await StreamClient.connect(of.socketUrl);
    assert.is((await stream.upload(newEntry('streamed'))).type, 'uploaded');
    await stream.close();
    const [yjs, other] = [
      await connectProvider(of.socketUrl, 'painted'),
      await connectProvider(of.socketUrl, 'painted'),
    ];
    yjs.doc.getMap('udt').set('a', 1);
    await until('it is stored', () => other.doc.getMap('udt').has('a'));
    yjs.destroy();
    other.destroy();
    for (const [id, text] of [
      ['streamed', streamed],
      ['painted', painted],
    ] as const) {
      const client = new UdtClient(of.url, id);
      for (const reply of [
        await client.tryGet(),
        await client.tryDiffs('0'),
        await client.tryPatch({ patch: [] }),
      ]) {
        assert.is(reply.status, status, reply.text);
        if (text !== undefined) assert.is(reply.text, text);
      }
    }
  }
  const { udt_json, version } = await new UdtClient(allowing.url, 'painted').get();
  assert.equal(udt_json, { a: 1 });
  assert.is(version % 2 ** 32, 2, 'the change by Yjs, and the empty PATCH');
  assert.is((await new UdtClient(allowing.url, 'nobody').tryGet()).status, 404);
});

access('GET /healthz', async () => {
  const { status, text, headers } = await call('GET', `${server.url}/healthz`);
  assert.is(status, 200);
  assert.is((JSON.parse(text) as { status: string }).status, 'ok');
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
  assert.is(headers.get('access-control-allow-origin'), null);
});

access.run();
