// UDT's API as HTTP: statuses, texts and headers, wherever the base URL points.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Projects } from '../../src/core/projects.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { rawGet } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, call, createSession, refuses } from '../support/udt-client.ts';

let server: TestServer;
let sessions: string;
let client: UdtClient;
let session: string;
const http = suite('udt-http');
http.before(async () => {
  server = await startServer();
  sessions = `${server.url}/api/session`;
  client = await UdtClient.create(server.url, { samples: [] });
  session = `${sessions}/${client.id}`;
});
http.after(() => server.remove());

http('UDT-5 bodies without the key', async () => {
  for (const body of ['{}', '[]', '1', 'null', '"udt"', '{"patch":[]}'])
    await refuses('POST', sessions, body, 400, 'Body should have "udt" key');
  for (const body of ['{}', '[]', '1', 'null', '{"udt":{}}'])
    await refuses('PATCH', session, body, 400, 'Body should have "patch" key');
  for (const udt of [null, [], 'x', 1])
    await refuses('POST', sessions, { udt }, 400, /"udt" should be an object/);
});

http('UDT-5 sessions that are not there', async () => {
  await refuses('GET', `${sessions}/nope`, undefined, 404, 'Session "nope" Not Found');
  await refuses('GET', `${sessions}/nope/diffs?since=0`, undefined, 404, 'Session "nope" Not Found');
  await refuses('PATCH', `${sessions}/nope`, { patch: [] }, 404, 'Session "nope" Not Found');
  await refuses('GET', `${sessions}/a%2Fb%20c`, undefined, 404, 'Session "a/b c" Not Found');
  await refuses('GET', `${sessions}/%00`, undefined, 404, 'Session "\0" Not Found');
  await refuses('GET', `${sessions}/${'x'.repeat(300)}`, undefined, 404, /^Session "x{300}" Not Found$/);
  await refuses('GET', `${session}/nothing`, undefined, 404, /^There is nothing at/);
  await refuses('GET', `${session}/diffs/nothing`, undefined, 404, /^There is nothing at/);
});

http('UDT-5 methods that are not possible', async () => {
  const cases = [
    [sessions, ['GET', 'PUT', 'PATCH', 'DELETE'], 'POST'],
    [session, ['POST', 'PUT', 'DELETE'], 'GET, PATCH'],
    [`${session}/diffs`, ['POST', 'PUT', 'PATCH', 'DELETE'], 'GET'],
  ] as const;
  for (const [url, methods, allowed] of cases) {
    for (const method of methods) {
      const text = `${method} is not possible here: use ${allowed}`;
      const { headers } = await refuses(method, url, undefined, 405, text);
      assert.is(headers.get('allow'), `${allowed}, OPTIONS`);
    }
  }
});

http('UDT-5 a deleted session', async () => {
  const own = await startServer();
  const { short_id } = await createSession(own.url, { udt: {} });
  await own.stop();
  const folder = await openDataFolder(own.data, { environment: realEnvironment });
  const observer = { observe: () => undefined };
  const projects = new Projects({ ...folder, environment: realEnvironment, observer });
  await projects.use(short_id, (project) => project.delete());
  await projects.close();
  await folder.close();

  const again = await startServer({ data: own.data });
  try {
    const url = `${again.url}/api/session/${short_id}`;
    await refuses('GET', url, undefined, 410, `Session "${short_id}" was deleted`);
    await refuses('GET', `${url}/diffs?since=0`, undefined, 410, `Session "${short_id}" was deleted`);
    await refuses('PATCH', url, { patch: [] }, 410, `Session "${short_id}" was deleted`);
  } finally {
    await again.remove();
  }
});

http('UDT-6 every answer may be read by pages of any origin', async () => {
  const expected = {
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'POST,GET,PUT,PATCH,DELETE,OPTIONS',
    'access-control-allow-headers':
      'X-Requested-With,Access-Control-Allow-Origin,X-HTTP-Method-Override,Content-Type,Authorization,Accept',
    'access-control-max-age': '86400',
  };
  const asked = { Origin: 'https://udt.example', 'Access-Control-Request-Private-Network': 'true' };
  const cases = [
    ['POST', sessions, { udt: {} }, 200],
    ['GET', session, undefined, 200],
    ['HEAD', session, undefined, 200],
    ['PATCH', session, { patch: [] }, 200],
    ['GET', `${session}/diffs?since=0`, undefined, 200],
    ['OPTIONS', sessions, undefined, 200],
    ['OPTIONS', session, undefined, 200],
    ['OPTIONS', `${session}/diffs`, undefined, 200],
    ['OPTIONS', `${sessions}/nope`, undefined, 200],
    ['POST', sessions, 'x', 400],
    ['GET', `${session}/diffs`, undefined, 400],
    ['GET', `${sessions}/%zz`, undefined, 400],
    ['GET', `${sessions}/nope`, undefined, 404],
    ['DELETE', session, undefined, 405],
    ['PATCH', session, { patch: [{ op: 'remove', path: '' }] }, 409],
  ] as const;
  for (const [method, url, body, status] of cases) {
    const reply = await call(method, url, body, asked);
    assert.is(reply.status, status, `${method} ${url}`);
    for (const [name, value] of Object.entries(expected)) assert.is(reply.headers.get(name), value, name);
    assert.is(reply.headers.get('access-control-allow-private-network'), 'true');
    const unasked = await call(method, url, body);
    assert.is(unasked.headers.get('access-control-allow-private-network'), null);
  }
});

http('UDT-7 any prefix, a trailing slash and doubled slashes lead to the same place', async () => {
  for (const base of ['', '/', '//', '/v1', '/some/prefix/', '/api', '/%20//x/']) {
    const prefix = `${server.url}${base}`;
    const made = await createSession(prefix, { udt: { a: base } });
    assert.ok(made.url.endsWith(`/api/session/${made.short_id}`), made.url);
    assert.is(
      made.url.slice(server.url.length).split('/api/session/')[0],
      base.replace(/\/+/g, '/').replace(/\/$/, ''),
    );
    const own = new UdtClient(prefix, made.short_id);
    assert.equal((await own.get()).udt_json, { a: base });
    assert.is((await own.patch([])).latestVersion, 1);
    assert.is((await own.diffs(0)).patches.length, 1);
    assert.is((await call('GET', made.url)).status, 200);
    assert.is((await call('GET', `${made.url}/`)).status, 200);
    assert.is((await call('GET', `${made.url}//diffs/?since=0`)).status, 200);
  }
});

http('UDT-7 the url of a new session is the public one', async () => {
  const own = await startServer({ publicUrl: new URL('https://rejoin.example/base/') });
  try {
    const { short_id, url } = await createSession(own.url, { udt: {} });
    assert.is(url, `https://rejoin.example/base/api/session/${short_id}`);
  } finally {
    await own.remove();
  }
});

http('malformed targets and escapes', async () => {
  const statusOf = async (target: string) => (await rawGet(server.url, target)).status;
  assert.is(await statusOf('http://'), 400);
  assert.is(await statusOf('nowhere'), 400);
  assert.is(await statusOf('/%zz'), 404);
  assert.is(await statusOf('/api'), 404);
  assert.is(await statusOf('/api/sessions'), 404);
  assert.is(await statusOf('//['), 404);
  assert.is(await statusOf(`//api//session/${client.id}`), 200);
  assert.is(await statusOf(`${server.url}/api/session/${client.id}`), 200, 'as a proxy is asked');
  for (const id of ['%zz', '%', '%ff', '%c3', '%ed%a0%80'])
    await refuses('GET', `${sessions}/${id}`, undefined, 400, `The session id "${id}" has a bad escape`);
});

http.run();
