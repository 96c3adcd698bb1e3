// Uploads on `/ws`: objects under the names of either vocabulary, and errors that name what was sent.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { streamLimits, type UploadedObject } from '../../src/wire/stream/messages.ts';
import { parseClientFrame, parseClientMessage } from '../../src/wire/stream/parse.ts';

const test = suite('upload');

function parseUpload(objects: Json): readonly UploadedObject[] {
  const parsed = parseClientMessage({ type: 'upload', mux_id: 1, objects }, streamLimits);
  if (parsed.type !== 'upload') throw new Error(`parsed as ${parsed.type}`);
  assert.is(parsed.muxId, 1);
  return parsed.objects;
}

function refuses(objects: Json, message: string, code: ErrorCode = 'bad-request') {
  assert.throws(
    () => parseUpload(objects),
    (error: unknown) => {
      if (!(error instanceof RejoinError)) throw error;
      assert.is(error.code, code);
      assert.ok(error.message.startsWith(message), `${error.message}\nshould start with\n${message}`);
      return true;
    },
  );
}

const entry: JsonObject = {
  type: 'newentry',
  project_id: 'p',
  report_uuid: 'r',
  entry_uuid: 'e',
  version_uuid: 'v',
  clip_id: 'A001',
  content: { camera: 'A' },
};
const thread: JsonObject = { type: 'newthread', project_id: 'p', thread_uuid: 't', version_uuid: 'v' };

test('WS-12 an entry has the same fields under either names', () => {
  const expected = {
    kind: 'entry',
    projectId: 'p',
    fields: {
      ...{ report_uuid: 'r', entry_uuid: 'e', version_uuid: 'v', clip_id: 'A001', content: { camera: 'A' } },
      ...{ modifies: null, reason: null, archivetime: null },
    },
  };
  const { clip_id, content } = entry as Record<string, Json>;
  const later = {
    type: 'newentry',
    project: 'p',
    report: 'r',
    entry: 'e',
    version: 'v',
    clip_id,
    content,
  } as JsonObject;
  assert.equal(parseUpload([entry, later]), [expected, expected]);
});

test('WS-12 a thread is a topic, under every name of its uuid', () => {
  const expected = {
    kind: 'thread',
    projectId: '7',
    fields: { thread_uuid: 't', version_uuid: 'v', name: 'n', links: [], archivetime: null },
  };
  for (const type of ['newthread', 'newtopic'])
    for (const uuidName of ['thread_uuid', 'thread', 'topic_uuid', 'topic'])
      for (const projectName of ['project_id', 'project', 'proj_id'])
        for (const versionName of ['version_uuid', 'version']) {
          const sent = { type, [projectName]: 7, [uuidName]: 't', [versionName]: 'v', name: 'n', links: [] };
          assert.equal(parseUpload([sent]), [expected]);
        }
});

test('WS-12 a comment has the same fields under either names', () => {
  const expected = {
    kind: 'comment',
    projectId: 'p',
    fields: {
      comment_uuid: 'c',
      thread_uuid: 't',
      parent_uuid: 'q',
      version_uuid: 'v',
      body: 'b',
      archivetime: null,
    },
  };
  for (const threadName of ['thread_uuid', 'thread', 'topic_uuid', 'topic']) {
    const original = { version_uuid: 'v', comment_uuid: 'c', [threadName]: 't', parent_uuid: 'q', body: 'b' };
    const later = { version: 'v', comment: 'c', [threadName]: 't', parent: 'q', body: 'b' };
    for (const fields of [original, later])
      assert.equal(parseUpload([{ type: 'newcomment', project: 'p', ...fields }]), [expected]);
  }
});

test('WS-12 two names for one field must agree', () => {
  assert.is(parseUpload([{ ...entry, report: 'r', project: 'p' }])[0]?.fields['report_uuid'], 'r');
  refuses([{ ...entry, report: 'other' }], 'objects[0].report_uuid and objects[0].report mean the same');
  refuses([{ ...thread, topic: 'x' }], 'objects[0].thread_uuid and objects[0].topic mean the same');
  refuses([{ ...thread, version: null }], 'objects[0].version_uuid and objects[0].version mean the same');
  refuses([{ ...thread, project: 'x' }], 'objects[0].project_id and objects[0].project mean the same');
  const unset = { type: 'newcomment', project: 'p', version: 'v', comment: 'c', topic: 't', parent: null };
  refuses([{ ...unset, parent_uuid: 'q' }], 'objects[0].parent and objects[0].parent_uuid mean the same');
});

test('WS-12 fields that the server defines are dropped, whatever they hold', () => {
  const defined = {
    srv_id: 'x',
    seqno: [],
    user: 7,
    user_id: {},
    user_uuid: false,
    mux_id: null,
    submissiontime: 'x',
  };
  assert.equal(parseUpload([{ ...entry, ...defined }]), parseUpload([entry]));
});

test('WS-18 unknown fields are kept, with names that only another kind gives a meaning', () => {
  const extra = { zoom: { a: [1] }, topic: 'x', constructor: 'y' };
  const [object] = parseUpload([{ ...extra, ...entry }]);
  assert.equal(object?.fields['zoom'], extra.zoom);
  assert.is(object?.fields['topic'], 'x');
  assert.is(object?.fields['constructor'], 'y');
  assert.is(Object.keys(object!.fields)[0], 'report_uuid');
});

test('WS-13 an empty upload is fine', () => assert.equal(parseUpload([]), []));

test('WS-13 objects of several projects and kinds share an upload', () => {
  const kinds = parseUpload([entry, { ...thread, project_id: 7 }]).map(({ kind, projectId }) => [
    kind,
    projectId,
  ]);
  assert.equal(kinds, [['entry', 'p'], ['thread', '7']]); // prettier-ignore
});

test('WS-19 objects must be a list of objects', () => {
  for (const objects of [null, {}, 'x', 7, entry]) refuses(objects, 'objects must be a list');
  for (const object of [null, 'x', 7, [], [entry]]) refuses([entry, object], 'objects[1] must be an object');
  assert.throws(
    () => parseClientMessage({ type: 'upload', mux_id: 1 }, streamLimits),
    /^objects must be a list/,
  );
});

test('WS-19 the type of an object is one of four', () => {
  for (const type of [null, 7, '', 'entry', 'comment', 'newComment', 'constructor', ['newentry']])
    refuses(
      [{ ...entry, type }],
      'objects[0].type must be "newentry", "newthread", "newtopic" or "newcomment"',
    );
});

test('WS-19 an error names the object and the field as it was sent', () => {
  refuses([entry, { ...entry, content: { camera: 7 } }], 'objects[1].content.camera must be a string');
  refuses([{ ...entry, modifies: ['v'] }], 'objects[0].reason must be a string in an edit');
  refuses([{ type: 'newtopic', project: 'p', version: 'v', topic: 7 }], 'objects[0].topic must be a uuid');
  refuses([{ type: 'newtopic', project: 'p', version: '' }], 'objects[0].version must be a uuid');
  refuses([{ type: 'newtopic', project: 'p', version: 'v' }], 'objects[0].thread_uuid must be a uuid');
  refuses([{ ...thread, authortime: 'soon' }], 'objects[0].authortime must be a time');
});

test('WS-2 every object names its project', () => {
  refuses(
    [{ type: 'newthread', thread: 't', version: 'v' }],
    'objects[0].project_id must be the id of a project',
  );
  refuses([{ ...thread, project_id: '' }], 'objects[0].project_id must not be empty');
});

test('WS-20 the objects of an upload are limited', () => {
  const many = Array.from({ length: 3 }, () => null);
  assert.throws(
    () =>
      parseClientMessage(
        { type: 'upload', mux_id: 1, objects: many },
        { ...streamLimits, objectsPerUploadMax: 2 },
      ),
    (error: unknown) => error instanceof RejoinError && error.code === 'too-large',
  );
  assert.is(
    parseUpload(Array.from({ length: streamLimits.objectsPerUploadMax }, () => thread)).length,
    10_000,
  );
});

test('WS-25 a frame with __proto__ in an object is refused', () => {
  const text = JSON.stringify({ type: 'upload', mux_id: 1, objects: [entry] });
  assert.throws(
    () => parseClientFrame(text.replace('"camera"', '"__proto__"')),
    /\/objects\/0\/content\/__proto__/,
  );
});

test.run();
