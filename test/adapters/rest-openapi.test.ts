// The documents that describe the interfaces, beside what the server really answers: every documented route, its errors, and
// what streams on `/ws` bring in both vocabularies.

import { Validator } from '@seriousme/openapi-schema-validator';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { ChangesReader, pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { validators } from '../support/schemas.ts';
import { newComment, newEntry, newThread } from '../support/stream-client.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const documents = suite('OpenAPI and AsyncAPI');
const { connect, newProject, server } = withServer(documents);

async function openApi(): Promise<JsonObject> {
  return (await rest(server().url, '/openapi.json')).body;
}

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: JsonObject }> }>;
  readonly parameters?: readonly JsonObject[];
}

function operationsOf(document: JsonObject): Operation[] {
  const paths = Object.entries(document['paths'] as Record<string, JsonObject>);
  return paths.flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => {
        const { responses, parameters = [] } = operation as unknown as Operation;
        return { path, method: method.toUpperCase(), responses, parameters };
      }),
  );
}

/** A project with something of everything. */
async function fullProject(): Promise<string> {
  const { url, serverId } = server();
  const session = await UdtClient.create(url, { samples: [{ document: 'one' }] });
  const entry = newEntry(session.id, { report_uuid: 'r1' });
  const edit = { ...entry, modifies: [entry.version_uuid], reason: 'why', clip_id: null };
  await uploadTo(url, session.id, [
    entry,
    { ...edit, version_uuid: `${entry.version_uuid}-2`, content: { camera: null } },
    { ...edit, version_uuid: `${entry.version_uuid}-3`, content: null },
    newThread(session.id, { thread_uuid: 't1', links: [['report', 'r1']] }),
    newComment(session.id, { thread_uuid: 't1', archivetime: [[serverId, 1]] }),
  ]);
  await session.tryPatch({ userName: 'ann', patch: [{ op: 'add', path: '/x', value: 1 }] });
  return session.id;
}

documents('the document is OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...(await openApi()) });
  assert.ok(valid, JSON.stringify(errors));
  assert.is(validator.version, '3.1');
});

documents('every documented route answers as documented, and there are no others', async () => {
  const document = await openApi();
  const compile = validators(document);
  const { url, serverId } = server();
  const project = await fullProject();
  const deleted = newProject();
  await uploadTo(url, deleted, [newEntry(deleted)]);
  const queries: Record<string, string[]> = {
    '/api/projects': ['', '?limit=1', `?after=${project}&deleted=true`],
    '/api/projects/{id}/entries': ['', '?report=r1&deleted=true', `?at=[[${serverId},2]]`],
    '/api/projects/{id}/threads': ['', `?at=[[${serverId},2]]`],
    '/api/projects/{id}/comments': ['', '?thread=t1&deleted=true'],
    '/api/projects/{id}/changes': ['?live=false', '?live=false&kinds=patch,entry'],
  };
  const bodies: Record<string, RequestInit> = {
    DELETE: { headers: { 'Confirm-Delete': deleted } },
    POST: { body: JSON.stringify({ objects: [newEntry(project)] }) },
  };
  const operations = operationsOf(document);
  assert.is(operations.length, 12);
  for (const { path, method, responses } of operations) {
    const check = (status: number, type: string): ((value: unknown) => string[]) => {
      const schema = responses[String(status)]?.content?.[type]?.schema;
      if (!schema) throw new Error(`${method} ${path} is not documented to answer ${status}`);
      return compile(schema);
    };
    const send = async (
      id: string,
      query: string,
    ): Promise<{ status: number; type: string; text: string }> => {
      const target = `${url}${path.replace('{id}', encodeURIComponent(id))}${query}`;
      const response = await fetch(target, { method, ...bodies[method] });
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
      return { status: response.status, type, text: await response.text() };
    };
    const isOfDeleted = method === 'DELETE' || path.endsWith('/undelete');
    for (const query of queries[path] ?? ['']) {
      const { status, type, text } = await send(isOfDeleted ? deleted : project, query);
      assert.is(status, 200, `${method} ${path}${query}: ${text}`);
      const values = type === 'application/x-ndjson' ? text.trimEnd().split('\n') : [text];
      const errorsOf = check(200, type);
      for (const value of values)
        assert.equal(errorsOf(JSON.parse(value)), [], `${method} ${path}${query}: ${value}`);
    }
    const bad: [string, string][] = [[project, '?nonsense=1']];
    if (path.includes('{id}')) bad.push([newProject(), ''], [deleted, ''], ['a\u0000b', '']);
    for (const [id, query] of bad) {
      const { status, type, text } = await send(id, query);
      if (status === 200) continue; // an upload makes a project; before the DELETE there is one
      assert.equal(check(status, type)(JSON.parse(text)), [], `${method} ${path} ${status}: ${text}`);
    }
  }
  for (const path of [
    '/api',
    '/api/',
    '/api/projects.json',
    '/api/openapi',
    '/api/openapi.yaml',
    '/api/health',
    `/api/projects/${project}/rows`,
  ])
    assert.is((await fetch(`${url}${path}`)).status, 404, path);
});

documents('every documented parameter is taken, with the default that is documented', async () => {
  const { url } = server();
  const project = await fullProject();
  const values: Record<string, string> = {
    ...{
      limit: '5',
      after: 'a',
      deleted: 'false',
      report: 'r1',
      thread: 't1',
      at: '[]',
      since: '[]',
      live: 'false',
      kinds: 'entry',
    },
  };
  for (const { path, method, parameters = [] } of operationsOf(await openApi())) {
    for (const { name, in: place } of parameters as { name: string; in: string }[]) {
      if (place !== 'query') continue;
      const end = path.endsWith('/changes') && name !== 'live' ? '&live=false' : '';
      const target = `${url}${path.replace('{id}', project)}?${name}=${values[name] ?? 'undocumented'}${end}`;
      const response = await fetch(target, { method });
      assert.is(response.status, 200, `${method} ${target}: ${await response.text()}`);
    }
  }
});

documents('errors of a stopped stream and of an upload that is too large are as documented', async () => {
  const document = await openApi();
  const errorsOf = validators(document)({ $ref: '#/components/schemas/Error' });
  const project = newProject();
  const objects = Array(10_001).fill(0) as Json[];
  const large = await rest(server().url, pathOf(project, '/objects'), {
    method: 'POST',
    body: JSON.stringify({ objects }),
  });
  assert.equal([large.status, errorsOf(large.body)], [413, []]);
});

documents(
  'what streams bring in both vocabularies is as the AsyncAPI document says; events have the same',
  async () => {
    const { url } = server();
    const document = (await rest(url, '/asyncapi.json')).body;
    const compile = validators(document);
    const operations = document['operations'] as Record<string, { messages: { $ref: string }[] }>;
    const names = (operations['tell']?.messages ?? []).map(({ $ref }) => $ref.split('/').at(-1) ?? '');
    const checks = names.map((name) => ({
      name,
      errorsOf: compile({ $ref: `#/components/schemas/${name}` }),
    }));
    const project = await fullProject();
    const client = await connect();
    const original = { entries: '*', threads: '*', comments: '*', udt: '*' };
    await client.ask({ type: 'subscribe', mux_id: 1, project_id: project, ...original });
    const all = { match: 'project', value: project };
    await client.ask({
      type: 'subscribe',
      mux_id: 'b',
      entries: all,
      topics: all,
      comments: all,
      udt: { since: [] },
    });
    await client.upload(newEntry(project));
    await client.ask({ type: 'close', mux_id: 1 });
    client.send({ type: 'nonsense' });
    client.send({ type: 'close' });
    await until(
      'all errors are there',
      () => client.messages.filter(({ type }) => type === 'error').length === 2,
    );
    const seen = new Set<string>();
    for (const message of client.messages) {
      const fitting = checks.filter(({ errorsOf }) => errorsOf(message).length === 0).map(({ name }) => name);
      assert.is(fitting.length, 1, `${JSON.stringify(message)} is ${fitting.join(' and ') || 'nothing'}`);
      for (const name of fitting) seen.add(name);
    }
    assert.equal([...seen].sort(), [...names].sort(), 'every message of the server was seen');

    const errorsOf = validators(await openApi())({ $ref: '#/components/schemas/Change' });
    const reader = await ChangesReader.openEvents(url, project, '?live=false');
    await reader.untilEnd();
    assert.equal([...new Set(reader.events.map(({ event }) => event))].sort(), [
      'comment',
      'entry',
      'patch',
      'sync',
      'thread',
    ]);
    for (const { data } of reader.events) assert.equal(errorsOf(data), [], JSON.stringify(data));
  },
);

documents.run();
