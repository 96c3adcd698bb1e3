// The limits of what a message may hold, over a real socket, and the names and numbers that it may not.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { streamLimits } from '../../src/wire/stream/messages.ts';
import { defects } from '../support/metrics.ts';
import { everyKind, newComment, newEntry, textOf, versionsOf } from '../support/stream-client.ts';
import { raw, refusesEach, type Refused } from '../support/stream-refusals.ts';
import { withServer } from '../support/with-server.ts';

const limits = suite('limits');
const environment = withServer(limits);
const { connect, newProject, server } = environment;

limits('WS-25 lone surrogates, infinite numbers and __proto__ are errors that name the path', async () => {
  const client = await connect();
  const project = newProject();
  const upload = (fields: JsonObject, says: string): Refused => ({
    text: raw(
      { type: 'upload', mux_id: 1, objects: [newComment(project), newEntry(project, fields)] },
      { infinite: '1e400', negative: '-1e400', proto: '"__proto__"', escaped: '"\\u005f_proto__"' },
    ),
    says,
    muxId: 1,
  });
  await refusesEach(environment, client, [
    upload({ clip_id: 'x\ud800' }, '/objects/1/clip_id has a lone surrogate'),
    upload({ content: { camera: '\udc00' } }, '/objects/1/content/camera has a lone surrogate'),
    upload({ content: { '\ud800': 'x' } }, '/objects/1/content/\ufffd has a lone surrogate in its key'),
    upload({ version_uuid: '\udfff' }, '/objects/1/version_uuid has a lone surrogate'),
    upload(
      { extra: { 'a/b': ['x', { y: '\ud800\ud800' }] } },
      '/objects/1/extra/a~1b/1/y has a lone surrogate',
    ),
    upload({ extra: [1, '@infinite@'] }, '/objects/1/extra/1 is a number too large'),
    upload({ extra: '@negative@' }, '/objects/1/extra is a number too large'),
    upload({ '@proto@': { polluted: true } }, '/objects/1/__proto__ has the key __proto__'),
    upload({ content: { '@proto@': 'x' } }, '/objects/1/content/__proto__ has the key __proto__'),
    upload({ extra: [{ a: { '@escaped@': null } }] }, '/objects/1/extra/0/a/__proto__ has the key'),
    { text: '{"type":"close","mux_id":2,"__proto__":{"x":1}}', says: '/__proto__ has the key', muxId: 2 },
    { text: '{"type":"fetch","mux_id":3,"project_id":"\\udfff"}', says: '/project_id has a lone', muxId: 3 },
  ]);
  assert.equal(await client.fetch(project), []);
  assert.not.ok('polluted' in {});
});

limits('WS-25 names of the prototype are names like any other', async () => {
  const client = await connect();
  for (const name of ['constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'prototype']) {
    const project = `${name} ${newProject()}`;
    const object = newEntry(project, { version_uuid: name, content: { [name]: name }, mux_id: name });
    await client.ask({ type: 'subscribe', mux_id: name, project_id: project, ...everyKind });
    await client.upload(object);
    const live = await client.waitForVersion(name, name);
    assert.equal(live['content'], { [name]: name });
    assert.equal(versionsOf(await client.fetch(project)), [name]);
  }
  const object = newComment('__proto__');
  await client.upload(object);
  assert.equal(versionsOf(await client.fetch('__proto__')), [object.version_uuid]);
});

limits('WS-20 JSON that is nested too deep is an error', async () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const deep = 'nested deeper than 64 levels';
  await refusesEach(environment, await connect(), [
    { text: nested(65), says: deep },
    { text: nested(100_000), says: deep },
    { text: '['.repeat(4_000_000), says: deep },
    { text: '{"a":'.repeat(1_000_000), says: deep },
    { text: `{"type":"upload","mux_id":"u","objects":${nested(200_000)}}`, says: deep, muxId: 'u' },
    { text: `{"objects":${nested(80)},"type":"upload","mux_id":4}`, says: deep, muxId: 4 },
  ]);
});

limits('WS-20 JSON may be nested up to the limit', async () => {
  const client = await connect();
  let extra: Json = 'x';
  for (let depth = 3; depth < 64; depth++) extra = [extra];
  const object = await client.uploadAndFetch(newEntry(newProject(), { extra }));
  assert.equal(object['extra'], extra);
});

limits('WS-20 too many since entries, or objects in an upload, are an error', async () => {
  const { sinceEntriesMax, objectsPerUploadMax } = streamLimits;
  const client = await connect();
  const pairs = (count: number): Json => Array.from({ length: count }, (_, index) => [index, 1]);
  const objects = (count: number): Json => Array.from({ length: count }, () => null);
  const stream = { type: 'fetch', mux_id: 's', project_id: newProject() };
  const upload = { type: 'upload', mux_id: 'u' };
  await refusesEach(environment, client, [
    {
      text: raw({ ...stream, since: pairs(sinceEntriesMax + 1) }),
      says: 'since has 10001 pairs',
      muxId: 's',
      code: 'too-large',
    },
    {
      text: raw({ ...stream, since: pairs(500_000) }),
      says: 'since has 500000 pairs',
      muxId: 's',
      code: 'too-large',
    },
    {
      text: raw({ ...upload, objects: objects(objectsPerUploadMax + 1) }),
      says: 'objects has 10001',
      muxId: 'u',
      code: 'too-large',
    },
  ]);
  assert.is((await client.ask({ ...stream, since: pairs(sinceEntriesMax) }))['type'], 'sync');
});

limits('WS-20 a mux_id that is too long is refused, and not echoed', async () => {
  const client = await connect();
  const says = 'mux_id has 257 characters; it may have 256 at most';
  await refusesEach(environment, client, [{ text: raw({ type: 'close', mux_id: 'm'.repeat(257) }), says }]);
  assert.is((await client.ask({ type: 'close', mux_id: 'm'.repeat(256) }))['type'], 'closed');
});

limits('WS-20 too many streams on a socket are refused, and the others live on', async () => {
  const { streamsPerSocketMax } = streamLimits;
  const client = await connect();
  const project = newProject();
  const request = { type: 'subscribe', project_id: project, ...everyKind };
  for (let muxId = 0; muxId < streamsPerSocketMax; muxId++) client.send({ ...request, mux_id: muxId });
  await client.waitFor(() => client.messages.length >= streamsPerSocketMax);
  for (const type of ['subscribe', 'fetch']) {
    const error = await client.ask({ ...request, type, mux_id: 'one more' });
    assert.is(error['code'], 'too-large');
    assert.ok(textOf(error, 'message').includes(String(streamsPerSocketMax)));
  }
  const object = newComment(project);
  await client.upload(object);
  for (const muxId of [0, streamsPerSocketMax - 1]) await client.waitForVersion(muxId, object.version_uuid);
  await client.ask({ type: 'close', mux_id: 0 });
  assert.is((await client.ask({ ...request, mux_id: 'one more' }))['type'], 'sync');
});

limits('WS-19 none of this was an error of the server', async () => {
  assert.is(await defects(server().url), 0);
});

limits.run();
