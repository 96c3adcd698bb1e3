// GET /metrics: what is counted, that labels stay few, and that docs/operations.md names what there is.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { defects, metric } from './support/metrics.ts';
import { rawGet } from './support/raw-http.ts';
import { serversOf } from './support/servers-of.ts';
import { UdtClient, call } from './support/udt-client.ts';
import { until } from './support/until.ts';

const test = suite('metrics');

const start = serversOf(test);

test('the documentation names every metric, its type and its labels, and no other', async () => {
  const server = await start({ measuresProcess: true, peers: ['http://127.0.0.1:1'] });
  const client = await UdtClient.create(server.url, {});
  await client.tryDiffs('never');
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
    labels: labelsOf(name, text),
  }));
  const page = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Metrics'), page.indexOf('### What to watch'));
  const rows = section.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const documented = rows
    .map(([, name = '', type = '', labels = '']) => ({
      name: unquoted(name)[0] ?? '',
      type,
      labels: unquoted(labels),
    }))
    .filter(({ name }) => name.startsWith('rejoin_'));
  const own = exported.filter(({ name }) => name.startsWith('rejoin_'));
  assert.equal(byName(own), byName(documented));
  if (process.platform !== 'linux') return; // elsewhere some of the process's are missing
  const ofProcess = exported.map(({ name }) => name).filter((name) => !name.startsWith('rejoin_'));
  const named = [...section.matchAll(/`((?:process|nodejs)_\w+)`/g)].map((match) => match[1] ?? '');
  assert.equal(ofProcess.sort(), named.sort());
});

/** What a cell of a table has between backticks. */
function unquoted(cell: string): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '').sort();
}

function byName<T extends { readonly name: string }>(metrics: readonly T[]): T[] {
  return [...metrics].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those of a metric's samples, but for `le` of a histogram. */
function labelsOf(name: string, text: string): string[] {
  const labels = [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} `, 'gm'))].flatMap((match) =>
    [...(match[1] ?? '').matchAll(/(\w+)="/g)].map((label) => label[1] ?? ''),
  );
  return [...new Set(labels)].sort();
}

test('commits, changes, durability, projects and bytes on disk', async () => {
  const server = await start();
  const { url } = server;
  const atStart = await metric(url, 'rejoin_disk_bytes');
  const client = await UdtClient.create(url, { text: 'x'.repeat(100_000) });
  await client.patch([{ op: 'add', path: '/a', value: 1 }]);
  await client.patch([]); // a version, and no change
  assert.is(await metric(url, 'rejoin_changes_total'), 2);
  assert.is(await metric(url, 'rejoin_commits_total', { outcome: 'durable' }), 3);
  assert.is(await metric(url, 'rejoin_commits_total', { outcome: 'failed' }), 0);
  assert.is(await metric(url, 'rejoin_durability_seconds_count'), 3);
  assert.ok((await metric(url, 'rejoin_durability_seconds_sum')) > 0);
  assert.is(await metric(url, 'rejoin_open_projects'), 1);
  assert.is(await metric(url, 'rejoin_store_writable'), 1);
  assert.ok((await metric(url, 'rejoin_disk_bytes')) > atStart + 100_000);
  assert.ok((await metric(url, 'rejoin_disk_free_bytes')) > 0);
});

test('connections of each wire, while they are open', async () => {
  const server = await start();
  const count = (wire: string) => metric(server.url, 'rejoin_connections', { wire });
  const stream = new WebSocket(`${server.socketUrl}/ws`);
  const yjs = [1, 2].map(() => new WebSocket(`${server.socketUrl}/yjs/p`));
  await Promise.all([stream, ...yjs].map((socket) => once(socket, 'open')));
  assert.equal([await count('stream'), await count('yjs')], [1, 2]);
  for (const socket of [stream, ...yjs]) socket.terminate();
  await until('they are gone', async () => (await count('stream')) + (await count('yjs')) === 0);
});

test('refusals by wire and code, requests by kind of route, and never what a client chose', async () => {
  const server = await start();
  const { url } = server;
  const client = await UdtClient.create(url, { n: 0 });
  await client.get();
  await client.tryPatch('no JSON');
  await client.tryPatch({ patch: [{ op: 'remove', path: '' }] });
  await client.diffs(0);
  await call('GET', `${url}/api/session/strange-name`);
  await call('GET', `${url}/api/session/%zz`);
  for (const path of ['/strange-path', '/api/session/x/strange-call', '/metrics/strange'])
    await call('GET', `${url}${path}`);
  await call('DELETE', `${url}/api/session`);
  await call('PROPFIND', `${url}/strange-method`);
  await rawGet(url, '/', { Host: 'strange.example' });
  const socket = new WebSocket(`${server.socketUrl}/ws`);
  await once(socket, 'open');
  socket.send('{"type":"strange"}');
  await once(socket, 'message');
  socket.terminate();

  const refused = (wire: string, code: string) => metric(url, 'rejoin_refused_total', { wire, code });
  assert.is(await refused('udt', 'bad-request'), 2);
  assert.is(await refused('udt', 'conflict'), 1);
  assert.is(await refused('udt', 'not-found'), 2);
  assert.is(await refused('stream', 'bad-request'), 1);
  assert.is(await refused('http', 'not-allowed'), 1);
  const answered = (route: string, method: string, status: number) =>
    metric(url, 'rejoin_http_requests_total', { route, method, status: String(status) });
  assert.is(await answered('sessions', 'POST', 200), 1);
  assert.is(await answered('session', 'GET', 200), 1);
  assert.is(await answered('session', 'GET', 404), 1);
  assert.is(await answered('session', 'PATCH', 400), 1);
  assert.is(await answered('session', 'PATCH', 409), 1);
  assert.is(await answered('diffs', 'GET', 200), 1);
  assert.is(await answered('nowhere', 'GET', 404), 3);
  assert.is(await answered('nowhere', 'GET', 400), 1);
  assert.is(await answered('nowhere', 'GET', 403), 1);
  assert.is(await answered('sessions', 'DELETE', 405), 1);
  assert.is(await answered('nowhere', 'other', 404), 1);
  assert.is(await defects(url), 0);
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.not.match(text, 'strange');
  assert.not.match(text, client.id);
});

test('two servers in one process count for themselves', async () => {
  const [one, other] = [await start(), await start()];
  await UdtClient.create(one.url, {});
  assert.is(await metric(one.url, 'rejoin_changes_total'), 1);
  assert.is(await metric(other.url, 'rejoin_changes_total'), 0);
});

test.run();
