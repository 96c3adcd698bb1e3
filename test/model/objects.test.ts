// Objects of uploads: extra fields, the order of fields, times, and what the server adds.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { comment, entry, refuses, thread } from '../support/object-fields.ts';
import { checkObject, completeObject } from '../../src/model/objects.ts';

const fields = suite('fields of any object');

fields('WS-17 authortime is normalised, or absent', () => {
  const checked = checkObject('thread', { ...thread, authortime: '2024-05-17 09:30' }, 'o');
  assert.is(checked['authortime'], '2024-05-17T09:30:00.000Z');
  assert.not.ok('authortime' in checkObject('thread', thread, 'o'));
  assert.not.ok('authortime' in checkObject('thread', { ...thread, authortime: null }, 'o'));
});

fields('WS-17 an authortime that is no time is refused', () => {
  for (const authortime of ['soon', '', '2024-02-30'])
    refuses('thread', { ...thread, authortime }, 'objects[3].authortime must be a');
  for (const authortime of [7, true, [], {}])
    refuses('thread', { ...thread, authortime }, 'objects[3].authortime must be a time in a string');
});

fields('WS-18 unknown fields are kept, known ones first and in order', () => {
  const extra = { zoom: { deep: [1, null] }, constructor: 'x', report: 'not an alias here', links: 7 };
  const sent = {
    ...extra,
    submissiontime: '2024-05-17',
    authortime: '2024-05-16',
    user_uuid: 'u',
    user_id: 'i',
    ...entry,
  };
  const checked = checkObject('entry', sent, 'o');
  assert.equal(Object.keys(checked), [
    ...[
      'report_uuid',
      'entry_uuid',
      'version_uuid',
      'user_id',
      'user_uuid',
      'clip_id',
      'content',
      'modifies',
    ],
    ...['reason', 'archivetime', 'authortime', 'submissiontime', 'zoom', 'constructor', 'report', 'links'],
  ]);
  assert.equal(checked['zoom'], extra.zoom);
  assert.is(checked['submissiontime'], '2024-05-17T00:00:00.000Z');
});

fields('WS-12 type, mux_id, srv_id, seqno and proj_id are no part of an object', () => {
  const sent = { ...thread, type: 'newthread', mux_id: 1, srv_id: 2, seqno: 3, proj_id: 'p' };
  assert.equal(checkObject('thread', sent, 'o'), checkObject('thread', thread, 'o'));
});

fields('an error names the field as it was sent', () => {
  const sentAs = new Map([['thread_uuid', 'topic']]);
  assert.throws(
    () => checkObject('thread', { ...thread, thread_uuid: 7 }, 'objects[1]', sentAs),
    /^objects\[1\]\.topic must be a uuid/,
  );
});

const author = { userId: 'ann', userUuid: 'ann-uuid', nowMs: Date.parse('2024-05-17T09:30:00.123Z') };

fields('WS-12 an upload gets user and submissiontime from the server', () => {
  const sent = { ...thread, user_id: 'eve', user_uuid: 'eve-uuid', submissiontime: '1999-01-01', zoom: 1 };
  const object = completeObject('thread', checkObject('thread', sent, 'o'), author, 'replace');
  assert.is(object.kind, 'thread');
  assert.is(object.versionUuid, 'v');
  assert.is(
    JSON.stringify(object.value),
    '{"thread_uuid":"t","version_uuid":"v","user_id":"ann","user_uuid":"ann-uuid","name":null,"links":null,' +
      '"archivetime":null,"authortime":"2024-05-17T09:30:00.123Z","submissiontime":"2024-05-17T09:30:00.123Z","zoom":1}',
  );
});

fields('WS-17 an authortime that was sent stays', () => {
  const checked = checkObject('comment', { ...comment, authortime: '2024-01-01' }, 'o');
  const { value } = completeObject('comment', checked, author, 'replace');
  assert.is(value['authortime'], '2024-01-01T00:00:00.000Z');
  assert.is(value['submissiontime'], '2024-05-17T09:30:00.123Z');
  assert.equal(Object.keys(value), [
    ...['comment_uuid', 'thread_uuid', 'parent_uuid', 'version_uuid', 'user_id', 'user_uuid', 'body'],
    ...['archivetime', 'authortime', 'submissiontime'],
  ]);
});

fields('an object that was never checked is a defect', () => {
  assert.throws(
    () => completeObject('thread', {}, author, 'replace'),
    (error: unknown) => error instanceof RejoinError && error.code === 'internal',
  );
});

fields.run();
