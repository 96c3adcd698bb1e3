// The AsyncAPI document: valid by AsyncAPI's own schema, and of one mind with what parses messages. Messages are generated from
// valid ones by changes that may or may not spoil them; parser and schemas must both take them, or both refuse.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../../src/errors.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { asyncApi } from '../../../src/wire/rest/asyncapi.ts';
import { clientSchemas } from '../../../src/wire/rest/message-schemas.ts';
import { beyondSchemas } from '../../../src/wire/rest/object-schemas.ts';
import { streamLimits } from '../../../src/wire/stream/messages.ts';
import { parseClientMessage } from '../../../src/wire/stream/parse.ts';
import { validators } from '../../support/schemas.ts';
import { testSeed } from '../../support/seed.ts';

const test = suite('AsyncAPI');

const compile = validators(asyncApi());
const validate = compile({
  oneOf: Object.keys(clientSchemas()).map((name) => ({ $ref: `#/components/schemas/${name}` })),
});

/** What the parser says: null if it takes the message. */
function refusalOf(message: JsonObject): string | null {
  try {
    parseClientMessage(message, streamLimits);
    return null;
  } catch (error) {
    if (error instanceof RejoinError) return error.message;
    throw error;
  }
}

/** Refusals that no schema can say: one expression for each rule of `beyondSchemas` that a parsed message can break. */
const beyond: readonly RegExp[] = [
  /must be at most 256 bytes long|has \d+ characters; it may have 256|must be a uuid: a string of 1 to 128/,
  /mean the same and must not (have different values|differ)/,
  /name two projects/,
  /must be a day that exists|must be in the years 0000 to 9999/,
];

function checkAgreement(message: JsonObject): 'taken' | 'refused' | 'beyond' {
  const refusal = refusalOf(message);
  const errors = validate(message);
  const text = JSON.stringify(message);
  if (refusal === null) {
    assert.equal(errors, [], `the parser takes what the schema refuses: ${text}`);
    return 'taken';
  }
  if (errors.length > 0) return 'refused';
  assert.ok(
    beyond.some((rule) => rule.test(refusal)),
    `the schema takes what is refused: ${text}: ${refusal}`,
  );
  return 'beyond';
}

const entry: JsonObject = {
  type: 'newentry',
  project: 'p',
  version: 'v',
  report: 'r',
  entry: 'e',
  clip_id: 'A001',
  content: { camera: 'A' },
  archivetime: [[1, 5]],
  authortime: '2024-05-17T09:30:00.000Z',
};
const objects: readonly JsonObject[] = [
  entry,
  {
    type: 'newentry',
    project_id: 7,
    version_uuid: 'v',
    report_uuid: 'r',
    entry_uuid: 'e',
    clip_id: '',
    content: {},
    modifies: null,
    reason: null,
  },
  { ...entry, clip_id: null, content: { camera: null }, modifies: ['v0', 'v1'], reason: 'a slip' },
  { ...entry, clip_id: null, content: null, modifies: ['v0'], reason: '' },
  { type: 'newtopic', project: 'p', version: 'v', topic: 't', name: 'Sound', links: [['report', 'r']] },
  {
    type: 'newthread',
    proj_id: 'p',
    version_uuid: 'v',
    thread_uuid: 't',
    name: null,
    links: null,
    extra: { x: [1] },
  },
  {
    type: 'newcomment',
    project: 'p',
    version: 'v',
    comment: 'c',
    topic: 't',
    parent: 'c0',
    body: 'text',
    user_id: 7,
  },
  {
    type: 'newcomment',
    project: 'p',
    version_uuid: 'v',
    comment_uuid: 'c',
    topic_uuid: 't',
    parent_uuid: null,
    body: null,
  },
];

const valid: readonly JsonObject[] = [
  {
    type: 'subscribe',
    mux_id: 1,
    project_id: 'p',
    since: [
      [1, 5],
      [2, 7],
    ],
    entries: '*',
    threads: '*',
    comments: '*',
  },
  { type: 'fetch', mux_id: '', project: 7, entries: '*', udt: '*', syncid: 'x' },
  { type: 'subscribe', mux_id: 0.5, proj_id: '7', since: null, threads: null },
  { type: 'subscribe', mux_id: 'm', entries: { since: [[1, 5]], match: 'project', value: 'p' } },
  {
    type: 'fetch',
    mux_id: 'm',
    entries: { match: 'report', value: 'r' },
    comments: { since: [], match: 'topic', value: 't' },
  },
  {
    type: 'subscribe',
    mux_id: 'm',
    project: 'p',
    topics: { match: 'user', value: 'u' },
    udt: { since: [[1, 2]] },
  },
  { type: 'subscribe', mux_id: 2, project: 'p', topics: {}, udt: '*', comments: { match: null } },
  { type: 'fetch', mux_id: 2, udt: { since: null, match: 'project', value: 7 } },
  { type: 'close', mux_id: 2 },
  { type: 'upload', mux_id: 3, objects: [] },
  ...objects.map((object) => ({ type: 'upload', mux_id: 3, objects: [object] })),
  { type: 'upload', mux_id: 3, objects },
];

test('the document is AsyncAPI 3.0, and says what no schema can', () => {
  const document = asyncApi();
  const path = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const ajv = new Ajv({ strict: false, allErrors: true });
  // ajv-formats is made for CommonJS, whose default export TypeScript takes for the module.
  (addFormats as unknown as (on: Ajv) => void)(ajv);
  const schema = JSON.parse(readFileSync(path, 'utf8')) as JsonObject;
  assert.ok(ajv.validate(schema, document), ajv.errorsText());
  const { description } = document['info'] as { description: string };
  for (const rule of beyondSchemas) assert.ok(description.includes(rule));
});

test('valid messages of both vocabularies are taken by both, and every schema is used', () => {
  for (const message of valid) assert.is(checkAgreement(message), 'taken', JSON.stringify(message));
  const types = new Set(valid.map(({ type }) => type));
  assert.is(types.size, Object.keys(clientSchemas()).length);
});

test('what each rule beyond schemas refuses is known to be refused by the parser alone', () => {
  const upload = (fields: JsonObject) => ({ type: 'upload', mux_id: 1, objects: [{ ...entry, ...fields }] });
  const cases: readonly JsonObject[] = [
    { type: 'close', mux_id: '\u{1f600}'.repeat(200) },
    { type: 'fetch', mux_id: 1, project: 'ä'.repeat(200) },
    upload({ version: '\u{1f600}'.repeat(100) }),
    upload({ version_uuid: 'w' }),
    upload({ project_id: 'q' }),
    { type: 'fetch', mux_id: 1, project: 'p', entries: { match: 'project', value: 'q' } },
    upload({ authortime: '2023-02-29' }),
    upload({ authortime: '9999-12-31T23:59:59-01:00' }),
  ];
  for (const message of cases) assert.is(checkAgreement(message), 'beyond', JSON.stringify(message));
});

const odd: readonly Json[] = [
  ...[
    null,
    true,
    0,
    1,
    -1,
    1.5,
    2 ** 53,
    -(2 ** 53),
    1e300,
    '',
    '*',
    'p',
    'x'.repeat(129),
    'x'.repeat(257),
    '\u0000',
    'a\u0085',
  ],
  ...[
    '__proto__',
    'project',
    'report',
    'topic',
    'user',
    '2024-05-17',
    '2024-05-17 09:30+02',
    '2024-13-01',
    '24:00',
    '2024-05-17t09:30:15.1z',
  ],
  ...[
    [],
    {},
    [[1, 5]],
    [[1]],
    [[1, 2, 3]],
    [[-1, 2]],
    [[1, 2.5]],
    ['v'],
    [''],
    [1],
    { a: 'b' },
    { a: null },
    { a: 1 },
    { since: [[1, 1]] },
  ],
  ...[
    { match: 'project', value: 'p' },
    { match: 'report', value: 'r' },
    { match: 'user', value: 'u' },
    { match: 'topic', value: 't' },
  ],
  ...[{ match: 'report' }, { value: 'r' }, { match: 'entry', value: 'e' }, { since: 5 }],
];
const names = [
  ...[
    'type',
    'mux_id',
    'project',
    'project_id',
    'proj_id',
    'since',
    'entries',
    'threads',
    'topics',
    'comments',
    'udt',
    'users',
    'objects',
  ],
  ...[
    'version',
    'version_uuid',
    'report',
    'report_uuid',
    'entry',
    'entry_uuid',
    'clip_id',
    'content',
    'modifies',
    'reason',
    'archivetime',
  ],
  ...[
    'authortime',
    'topic',
    'thread',
    'thread_uuid',
    'name',
    'links',
    'comment',
    'comment_uuid',
    'parent',
    'parent_uuid',
    'body',
    'user_id',
  ],
  ...['match', 'value', 'syncid', 'anything', 'submissiontime'],
];

function changed(gen: prng.PRNG, value: Json): Json {
  if (Array.isArray(value)) {
    if (value.length === 0 || prng.int32(gen, 0, 3) === 0)
      return [...(value as Json[]), prng.oneOf(gen, [...odd])];
    const at = prng.int32(gen, 0, value.length - 1);
    return (value as Json[]).map((item, index) => (index === at ? changed(gen, item) : item));
  }
  if (typeof value !== 'object' || value === null || prng.int32(gen, 0, 9) === 0)
    return prng.oneOf(gen, [...odd]);
  const object = value as JsonObject;
  const keys = Object.keys(object);
  const key = keys.length === 0 ? 'a' : prng.oneOf(gen, keys);
  switch (prng.int32(gen, 0, 4)) {
    case 0:
      return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
    case 1:
      return { ...object, [prng.oneOf(gen, names)]: prng.oneOf(gen, [...odd]) };
    case 2:
      return { ...object, [prng.oneOf(gen, names)]: object[key] ?? null };
    default:
      return { ...object, [key]: changed(gen, object[key] ?? null) };
  }
}

test('generated messages, valid and not: parser and schemas agree on each', () => {
  const gen = prng.create(testSeed('generated messages'));
  const counts = { taken: 0, refused: 0, beyond: 0 };
  const deadline = Date.now() + 20_000;
  for (let i = 0; i < 20_000 && Date.now() < deadline; i++) {
    let message: Json = prng.oneOf(gen, [...valid]);
    for (let changes = prng.int32(gen, 1, 3); changes > 0; changes--) message = changed(gen, message);
    if (typeof message !== 'object' || message === null || Array.isArray(message)) continue;
    counts[checkAgreement(message as JsonObject)]++;
  }
  assert.ok(counts.taken > 100 && counts.refused > 100, JSON.stringify(counts));
});

test.run();
