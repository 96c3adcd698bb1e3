// Messages that are refused, over a real socket: one error each that says which and why, and everything lives on.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { defects } from '../support/metrics.ts';
import { everyKind, newEntry } from '../support/stream-client.ts';
import { raw, refusesEach } from '../support/stream-refusals.ts';
import { withServer } from '../support/with-server.ts';

const errors = suite('errors');
const environment = withServer(errors);
const { connect, server } = environment;

errors('WS-19 what is not one JSON object is an error', async () => {
  const malformed = [
    '',
    '{',
    'hello',
    "{'type':'close'}",
    '{"type":"close",}',
    '\u0000',
    'NaN',
    '{}{}',
    '\ufeff{}',
  ];
  await refusesEach(environment, await connect(), [
    ...malformed.map((text) => ({ text, says: 'Invalid JSON' })),
    { text: '{"type":"close","mux_id":7', says: 'Invalid JSON', muxId: 7 },
    { text: '{"mux_id":"","type":close}', says: 'Invalid JSON', muxId: '' },
    { text: 'null', says: 'this one is null' },
    { text: '[{"type":"close","mux_id":1}]', says: 'this one is a list' },
    { text: '"close"', says: 'this one is a string' },
    { text: '7', says: 'this one is a number' },
    { text: 'true', says: 'this one is a boolean' },
  ]);
});

errors('WS-19 a missing or unknown type is an error', async () => {
  const types = [
    null,
    7,
    '',
    'Close',
    'sync',
    'uploaded',
    'constructor',
    '__proto__',
    'toString',
    ['close'],
    {},
  ];
  await refusesEach(environment, await connect(), [
    { text: '{}', says: 'type must be' },
    { text: '{"mux_id":0}', says: 'type must be', muxId: 0 },
    ...types.map((type) => ({ text: raw({ type, mux_id: 'm' }), says: 'type must be', muxId: 'm' })),
  ]);
});

errors('WS-19 a bad mux_id is an error without one', async () => {
  const says = 'mux_id must be a string or a number';
  const rest = { project_id: 'p', objects: [] };
  const types = ['subscribe', 'fetch', 'close', 'upload'];
  await refusesEach(environment, await connect(), [
    ...types.map((type) => ({ text: raw({ type, ...rest }), says })),
    ...types.map((type) => ({ text: raw({ type, mux_id: null, ...rest }), says })),
    ...[true, [], {}].map((muxId) => ({ text: raw({ type: 'close', mux_id: muxId }), says })),
    { text: '{"type":"close","mux_id":9007199254740993}', says: 'send it as a string' },
    { text: '{"type":"close","mux_id":1e400}', says: '/mux_id is a number too large' },
    { text: '{"type":"close","mux_id":"\\ud800"}', says: '/mux_id has a lone surrogate' },
  ]);
});

errors('WS-19 a bad field of a stream is an error that names it', async () => {
  const stream = { type: 'subscribe', mux_id: 5, project_id: 'p', ...everyKind };
  const cases: [JsonObject, string][] = [
    [{ project_id: null }, 'project_id must'],
    [{ project_id: '' }, 'project_id must not be empty'],
    [{ project_id: 1.5 }, 'project_id must be an integer'],
    [{ project_id: {} }, 'project_id must'],
    [{ project_id: 'a\u0000' }, 'project_id must not contain NUL'],
    [{ project_id: 'ü'.repeat(129) }, 'project_id must be at most 256 bytes'],
    [{ project: 'another' }, 'project_id and project'],
    [{ entries: 'all' }, 'entries must be "*"'],
    [{ threads: true }, 'threads must be "*"'],
    [{ comments: ['*'] }, 'comments must be "*"'],
    [{ since: 5 }, 'since must be a list'],
    [{ since: { '1': 2 } }, 'since must be a list'],
    [{ since: [1, 2] }, 'since[0] must be a pair'],
    [{ since: [[1, 2], [1]] }, 'since[1] must be a pair'], // prettier-ignore
    [{ since: [[1, -1]] }, 'since[0] must be a pair'],
    [{ since: [['1', 1]] }, 'since[0] must be a pair'],
    [{ since: [[1, 1.5]] }, 'since[0] must be a pair'],
  ];
  const texts = cases.flatMap(([fields, says]) =>
    ['subscribe', 'fetch'].map((type) => ({ text: raw({ ...stream, type, ...fields }), says, muxId: 5 })),
  );
  await refusesEach(environment, await connect(), [
    ...texts,
    { text: raw({ type: 'subscribe', mux_id: 5, entries: '*' }), says: 'project_id must', muxId: 5 },
    { text: raw({ ...stream, since: [[1, '@x@']] }, { x: '1e400' }), says: '/since/0/1', muxId: 5 },
  ]);
});

errors('WS-19 a bad field of an upload is an error that names it', async () => {
  const objects: [Json, string][] = [
    [null, 'objects must be a list'],
    [{}, 'objects must be a list'],
    ['x', 'objects must be a list'],
    [[null], 'objects[0] must be an object'],
    [[newEntry('p'), [newEntry('p')]], 'objects[1] must be an object'],
    [[{}], 'objects[0].type must be'],
    [[newEntry('p', { type: 'entry' })], 'objects[0].type must be'],
    [[newEntry('p', { type: 'toString' })], 'objects[0].type must be'],
    [[newEntry('')], 'objects[0].project_id must not be empty'],
    [[newEntry('p', { proj_id: 'q' })], 'objects[0].project_id and objects[0].proj_id'],
    [[newEntry('p', { version: 'v' })], 'objects[0].version_uuid and objects[0].version'],
    [[newEntry('p', { version_uuid: 'x'.repeat(129) })], 'objects[0].version_uuid must be a uuid'],
    [[newEntry('p', { version_uuid: '__proto__' })], 'objects[0].version_uuid must be a uuid'],
  ];
  await refusesEach(environment, await connect(), [
    { text: raw({ type: 'upload', mux_id: 'u' }), says: 'objects must be a list', muxId: 'u' },
    ...objects.map(([value, says]) => ({
      text: raw({ type: 'upload', mux_id: 'u', objects: value }),
      says,
      muxId: 'u',
    })),
  ]);
});

errors('WS-19 none of this was an error of the server', async () => {
  assert.is(await defects(server().url), 0);
});

errors.run();
