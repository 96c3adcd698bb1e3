// `GET /client.js`: the client library as one file, for the pages that may use this server. And what npm's users get of it.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer, type TestServer } from './support/server.ts';

const test = suite('client module');
const root = fileURLToPath(new URL('..', import.meta.url));

let server: TestServer;
test.before(async () => {
  server = await startServer({ allowedOrigins: ['https://crew.example'] });
});
test.after(() => server.remove());

const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(`${server.url}/client.js`, { method, headers });

test('it is a module that imports nothing', async () => {
  const response = await get();
  assert.is(response.status, 200);
  assert.is(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
  const text = await response.text();
  const { connect, IndexeddbStorage, openYjs } = (await import(
    `data:text/javascript,${encodeURIComponent(text)}`
  )) as Record<string, unknown>;
  for (const part of [connect, IndexeddbStorage, openYjs]) assert.type(part, 'function');
});

test('a browser that has it is told so', async () => {
  const etag = (await get()).headers.get('etag')!;
  const again = await get({ 'If-None-Match': etag });
  assert.is(again.status, 304);
  assert.is(await again.text(), '');
  assert.is((await get({ 'If-None-Match': 'W/"another"' })).status, 200);
});

test('it is compressed for those who take that', async () => {
  const plain = await (await get({ 'Accept-Encoding': 'identity' })).text();
  for (let i = 0; i < 2; i++) {
    const response = await get({ 'Accept-Encoding': 'br' });
    assert.is(response.headers.get('content-encoding'), 'br');
    assert.ok(Number(response.headers.get('content-length')) < plain.length / 2);
    assert.is(await response.text(), plain, 'fetch has unpacked it');
  }
});

test('pages of this machine and of allowed origins may import it, others not', async () => {
  for (const origin of ['http://localhost:8080', 'https://crew.example', server.url]) {
    const response = await get({ Origin: origin });
    assert.is(response.status, 200);
    assert.is(response.headers.get('access-control-allow-origin'), origin);
    assert.match(response.headers.get('vary')!, 'Origin');
  }
  const refused = await get({ Origin: 'https://elsewhere.example' });
  assert.is(refused.status, 403);
  assert.is(refused.headers.get('access-control-allow-origin'), null);
});

test('HEAD brings its headers, other methods nothing', async () => {
  const head = await get({}, 'HEAD');
  assert.is(head.status, 200);
  assert.is(await head.text(), '');
  assert.ok(Number(head.headers.get('content-length')) > 1_000);
  const post = await get({}, 'POST');
  assert.is(post.status, 405);
  assert.is(post.headers.get('allow'), 'GET');
});

test('the package has it, and all types that its entries name', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [{ files } = { files: [] }] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const packed = new Set(files.map(({ path }) => path));
  assert.ok(packed.has('dist/client/rejoin-client.js'));
  const entries = [
    'dist/index.d.ts',
    'dist/client.d.ts',
    ...[...packed].filter((path) => /^dist\/client\/.*\.d\.ts$/.test(path)),
  ];
  const missing = new Set<string>();
  const walked = new Set<string>();
  const walk = (path: string): void => {
    if (walked.has(path)) return;
    walked.add(path);
    if (!packed.has(path)) missing.add(path);
    else for (const next of importsOf(path)) walk(next);
  };
  entries.forEach(walk);
  assert.ok(walked.size > 5);
  assert.equal([...missing], []);
});

/** The declaration files that one imports by relative paths. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => {
    const named = normalize(join(dirname(path), match[1]!)).replace(/\.[tj]s$/, '.d.ts');
    return existsSync(join(root, named)) ? named : `${named}, which ${path} imports`;
  });
}

test.run();
