// What every route of the REST interface has in common: which pages may read it, methods, HEAD, errors as JSON, metrics.

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { metric, defects } from '../support/metrics.ts';
import { rawRequest } from '../support/raw-http.ts';
import { codeOf, pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { startServer } from '../support/server.ts';
import { newEntry } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const http = suite('REST over HTTP');
const { newProject, server } = withServer(http);

const getRoutes = ['', '/entries', '/threads', '/comments', '/document', '/changes?live=false'];

async function made(): Promise<string> {
  const project = newProject();
  await uploadTo(server().url, project, [newEntry(project)]);
  return project;
}

http(
  'pages of this server, of loopback and of allowed origins may read answers and errors; others get 403',
  async () => {
    const allowed = 'https://crew.example';
    const own = await startServer({ allowedOrigins: [allowed] });
    try {
      await uploadTo(own.url, 'p', [newEntry('p')]);
      const paths = [
        '/projects',
        ...getRoutes.map((part) => pathOf('p', part)),
        '/openapi.json',
        '/asyncapi.json',
      ];
      for (const path of paths) {
        for (const origin of [own.url, 'http://localhost:3000', 'http://127.0.0.1:1', allowed]) {
          const response = await fetch(`${own.url}/api${path}`, { headers: { Origin: origin } });
          assert.is(response.status, 200, `${origin} ${path}`);
          assert.is(response.headers.get('access-control-allow-origin'), origin);
          assert.match(response.headers.get('vary') ?? '', /Origin/);
          await response.text();
        }
        for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
          const reply = await rest(own.url, path, { headers: { Origin: origin } });
          assert.equal([reply.status, codeOf(reply)], [403, 'not-allowed']);
          assert.is(reply.headers.get('access-control-allow-origin'), null);
        }
        const none = await fetch(`${own.url}/api${path}`);
        assert.equal([none.status, none.headers.get('access-control-allow-origin')], [200, null]);
        await none.text();
      }
      const missing = await fetch(`${own.url}/api/projects/q`, { headers: { Origin: allowed } });
      assert.equal([missing.status, missing.headers.get('access-control-allow-origin')], [404, allowed]);
      const upload = await fetch(`${own.url}/api/projects/q/objects`, {
        method: 'POST',
        headers: { Origin: 'https://evil.example' },
        body: JSON.stringify({ objects: [newEntry('q')] }),
      });
      assert.is(upload.status, 403);
      assert.is((await rest(own.url, '/projects/q')).status, 404, 'nothing of it was stored');
    } finally {
      await own.remove();
    }
  },
);

http('a preflight says which methods and headers a page may send, and to others nothing', async () => {
  const project = await made();
  const ask = (origin: string) =>
    fetch(`${server().url}/api${pathOf(project)}`, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'confirm-delete',
        'Access-Control-Request-Private-Network': 'true',
      },
    });
  const { status, headers } = await ask('http://localhost:3000');
  assert.is(status, 204);
  assert.match(headers.get('access-control-allow-methods') ?? '', /\bDELETE\b/);
  for (const name of ['Confirm-Delete', 'Content-Type', 'Last-Event-ID'])
    assert.ok(headers.get('access-control-allow-headers')?.includes(name));
  assert.is(headers.get('access-control-allow-private-network'), 'true');
  assert.is(headers.get('allow'), 'GET, DELETE, OPTIONS');
  const refused = await ask('https://evil.example');
  assert.equal([refused.status, refused.headers.get('access-control-allow-methods')], [403, null]);
});

http('other methods get 405 with the ones that there are', async () => {
  const project = await made();
  const allow: Record<string, string> = {
    '/projects': 'GET',
    [pathOf(project)]: 'GET, DELETE',
    [pathOf(project, '/objects')]: 'POST',
    ...Object.fromEntries(
      ['entries', 'threads', 'comments', 'changes', 'document'].map((part) => [
        pathOf(project, `/${part}`),
        'GET',
      ]),
    ),
    '/openapi.json': 'GET',
    '/asyncapi.json': 'GET',
  };
  for (const [path, methods] of Object.entries(allow)) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(
      (name) => !methods.split(', ').includes(name),
    )) {
      const reply = await rest(server().url, path, { method });
      assert.equal([reply.status, codeOf(reply)], [405, 'method-not-allowed'], `${method} ${path}`);
      assert.is(reply.headers.get('allow'), `${methods}, OPTIONS`);
    }
  }
});

http('HEAD answers as GET does, without a body', async () => {
  const project = await made();
  for (const path of [
    '/projects',
    ...getRoutes.map((part) => pathOf(project, part)),
    '/openapi.json',
    '/asyncapi.json',
  ]) {
    const [head, whole] = [
      await fetch(`${server().url}/api${path}`, { method: 'HEAD' }),
      await fetch(`${server().url}/api${path}`),
    ];
    assert.equal(
      [head.status, head.headers.get('content-type')],
      [whole.status, whole.headers.get('content-type')],
      path,
    );
    assert.is(await head.text(), '');
    assert.ok((await whole.text()).length > 0);
  }
  const missing = await fetch(`${server().url}/api${pathOf(newProject())}`, { method: 'HEAD' });
  assert.is(missing.status, 404);
});

http('what there is not is a 404 in JSON, and a slash at the end makes no difference', async () => {
  const project = await made();
  for (const path of [
    pathOf(project, '/nothing'),
    pathOf(project, '/entries/e1'),
    pathOf(newProject(), '/entries'),
  ]) {
    const reply = await rest(server().url, path);
    assert.equal([reply.status, codeOf(reply)], [404, 'not-found'], path);
  }
  for (const path of ['/projects/', `${pathOf(project)}/`, pathOf(project, '/entries/')])
    assert.is((await rest(server().url, path)).status, 200, path);
  const elsewhere = await fetch(`${server().url}/api/projectsX`);
  assert.equal([elsewhere.status, elsewhere.headers.get('content-type')], [404, 'text/plain; charset=utf-8']);
  await elsewhere.text();
});

http(
  'a project may be called what a path would take for its own: it is read from the target as it was sent',
  async () => {
    const { url } = server();
    const { host } = new URL(url);
    for (const [id, escaped] of [
      ['..', '%2E%2E'],
      ['.', '%2e'],
      ['api/session', 'api%2Fsession'],
      ['?', '%3F'],
    ] as const) {
      const body = JSON.stringify({ objects: [newEntry(id)] });
      const post = [
        `POST /api/projects/${escaped}/objects HTTP/1.1`,
        `Host: ${host}`,
        `Content-Length: ${body.length}`,
        '',
        body,
      ];
      assert.is((await rawRequest(url, post)).status, 200);
      const reply = await rawRequest(url, [`GET /api/projects/${escaped} HTTP/1.1`, `Host: ${host}`, '', '']);
      assert.equal([reply.status, (JSON.parse(reply.body) as { id: string }).id], [200, id]);
    }
  },
);

http('a host that is not this server is refused before anything is read', async () => {
  const reply = await rawRequest(server().url, [
    'GET /api/projects HTTP/1.1',
    'Host: rebound.example',
    '',
    '',
  ]);
  assert.is(reply.status, 403);
});

http('requests are counted by kind of route, refusals by code, and never what a client chose', async () => {
  const own = await startServer();
  try {
    await uploadTo(own.url, 'strange-name', [newEntry('strange-name')]);
    for (const part of getRoutes)
      await fetch(`${own.url}/api${pathOf('strange-name', part)}`).then((r) => r.text());
    await rest(own.url, '/projects');
    await rest(own.url, '/projects/missing');
    await rest(own.url, pathOf('strange-name'), { method: 'DELETE' });
    const answered = (route: string, method: string, status: number) =>
      metric(own.url, 'rejoin_http_requests_total', { route, method, status: String(status) });
    assert.is(await answered('objects', 'POST', 200), 1);
    for (const route of ['projects', 'project', 'entries', 'threads', 'comments', 'document', 'changes'])
      assert.is(await answered(route, 'GET', 200), 1, route);
    assert.is(await answered('project', 'GET', 404), 1);
    assert.is(await answered('project', 'DELETE', 400), 1);
    assert.is(await metric(own.url, 'rejoin_refused_total', { wire: 'rest', code: 'not-found' }), 1);
    assert.is(await defects(own.url), 0);
    assert.not.match(await (await fetch(`${own.url}/metrics`)).text(), 'strange');
  } finally {
    await own.remove();
  }
});

http('a client that goes away in the middle of a large answer is no defect', async () => {
  const project = newProject();
  const { url } = server();
  for (let i = 0; i < 4; i++)
    await uploadTo(url, project, [newEntry(project, { clip_id: 'x'.repeat(4_000_000) })]);
  for (const part of ['/entries', '/document', '/changes']) {
    const request = get(`${url}/api${pathOf(project, part)}`);
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    await once(response, 'data');
    request.destroy();
  }
  assert.is((await rest(url, pathOf(project))).status, 200);
  assert.is(await defects(url), 0);
});

http.run();
