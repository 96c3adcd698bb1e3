// The rules of each kind of object: what is accepted, what null and absent mean, what is refused by name.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { comment, entry, refuses, thread } from '../support/object-fields.ts';
import { checkObject } from '../../src/model/objects.ts';

const edit: JsonObject = {
  report_uuid: 'r',
  entry_uuid: 'e',
  version_uuid: 'v2',
  modifies: ['v'],
  reason: 'typo',
};

function without(fields: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

const entries = suite('entries');

entries('WS-14 an original entry is accepted, absent fields become null', () => {
  const checked = checkObject('entry', entry, 'objects[0]');
  assert.equal(checked, { ...entry, modifies: null, reason: null, archivetime: null });
  assert.equal(checkObject('entry', { ...entry, modifies: null, reason: null }, 'objects[0]'), checked);
  assert.equal(checkObject('entry', { ...entry, clip_id: '', content: {} }, 'o')['content'], {});
});

entries('WS-14 an original entry has no reason', () => {
  refuses('entry', { ...entry, reason: 'why' }, 'objects[3].reason must be null in an original entry');
  refuses('entry', { ...entry, reason: '' }, 'objects[3].reason must be null in an original entry');
});

entries('WS-14 an original entry needs a clip_id and a content', () => {
  for (const clipId of [null, 7, [], {}, true])
    refuses('entry', { ...entry, clip_id: clipId }, 'objects[3].clip_id must be a string');
  refuses('entry', without(entry, 'clip_id'), 'objects[3].clip_id must be a string');
  for (const content of [null, 'x', 7, ['a'], false])
    refuses('entry', { ...entry, content }, 'objects[3].content must be an object of strings');
  refuses('entry', without(entry, 'content'), 'objects[3].content must be an object of strings');
});

entries('WS-14 the content of an original entry is flat and of strings', () => {
  for (const camera of [null, 7, true, [], {}, ['A'], { a: 'b' }])
    refuses('entry', { ...entry, content: { a: 'b', camera } }, 'objects[3].content.camera must be a string');
  refuses('entry', { ...entry, content: { 'a b': 1 } }, 'objects[3].content["a b"] must be a string');
  refuses(
    'entry',
    { ...entry, content: { ['x'.repeat(9999)]: 1 } },
    `objects[3].content["${'x'.repeat(64)}"] m`,
  );
});

entries('WS-14 an edit is accepted, absent and null mean no change', () => {
  const checked = checkObject('entry', edit, 'objects[0]');
  assert.equal(checked, { ...edit, clip_id: null, content: null, archivetime: null });
  assert.equal(checkObject('entry', { ...edit, clip_id: null, content: null }, 'objects[0]'), checked);
});

entries('WS-14 an edit may set and delete fields', () => {
  const content = { camera: null, lens: '35' };
  const checked = checkObject(
    'entry',
    { ...edit, clip_id: 'B', content, modifies: ['v', 'w'] },
    'objects[0]',
  );
  assert.equal(checked['content'], content);
  assert.is(checked['clip_id'], 'B');
  assert.equal(checked['modifies'], ['v', 'w']);
});

entries('WS-14 an edit needs a reason', () => {
  refuses('entry', without(edit, 'reason'), 'objects[3].reason must be a string in an edit');
  for (const reason of [null, 7, [], {}])
    refuses('entry', { ...edit, reason }, 'objects[3].reason must be a string in an edit');
  assert.is(checkObject('entry', { ...edit, reason: '' }, 'objects[0]')['reason'], '');
});

entries('WS-14 modifies is a non-empty list of version uuids', () => {
  for (const modifies of [[], 'v', 7, {}, true, '', 0, false])
    refuses('entry', { ...edit, modifies }, 'objects[3].modifies must be null or a non-empty list');
  for (const version of [null, 7, '', 'x'.repeat(129), ['v'], '__proto__'])
    refuses('entry', { ...edit, modifies: ['v', version] }, 'objects[3].modifies[1] must be a uuid');
});

entries('WS-14 an edit names its bad fields', () => {
  refuses('entry', { ...edit, clip_id: 7 }, 'objects[3].clip_id must be a string or null');
  for (const content of ['x', 7, [], ['a'], false])
    refuses(
      'entry',
      { ...edit, content },
      'objects[3].content must be an object of strings and nulls, or null',
    );
  for (const camera of [7, true, [], {}])
    refuses('entry', { ...edit, content: { camera } }, 'objects[3].content.camera must be a string, or null');
});

entries('WS-14 every uuid must be there', () => {
  for (const name of ['report_uuid', 'entry_uuid', 'version_uuid'])
    for (const base of [entry, edit]) {
      refuses('entry', without(base, name), `objects[3].${name} must be a uuid`);
      for (const uuid of [null, 7, '', 'x'.repeat(129), [], {}, '__proto__'])
        refuses('entry', { ...base, [name]: uuid }, `objects[3].${name} must be a uuid`);
      for (const uuid of ['x'.repeat(128), 'constructor', 'not RFC 4122', '🎬'])
        assert.is(checkObject('entry', { ...base, [name]: uuid }, 'o')[name], uuid);
    }
});

entries('WS-14 inherited properties are not taken for fields', () => {
  const content = Object.fromEntries([['constructor', 'x'], ['toString', 'y']]); // prettier-ignore
  assert.equal(checkObject('entry', { ...entry, content }, 'o')['content'], content);
  refuses('thread', { version_uuid: 'v' }, 'objects[3].thread_uuid');
});

entries.run();

const threads = suite('threads and comments');

threads('WS-15 links are kept as sent', () => {
  const nested = [['report', 'r'], ['entry', 'e']]; // prettier-ignore
  for (const links of [nested, ['report', 'r'], [], [null, 7, { a: 1 }]])
    assert.equal(checkObject('thread', { ...thread, links }, 'o')['links'], links);
  assert.is(checkObject('thread', thread, 'o')['links'], null);
  for (const links of ['x', 7, {}, false])
    refuses('thread', { ...thread, links }, 'objects[3].links must be a list or null');
});

threads('WS-15 archivetime is a version vector, kept as sent', () => {
  const unsorted = [[9, 1], [2, 3], [9, 4]]; // prettier-ignore
  for (const [kind, base] of [
    ['entry', entry],
    ['thread', thread],
    ['comment', comment],
  ] as const) {
    assert.equal(checkObject(kind, { ...base, archivetime: unsorted }, 'o')['archivetime'], unsorted);
    assert.is(checkObject(kind, { ...base, archivetime: null }, 'o')['archivetime'], null);
    assert.is(checkObject(kind, base, 'o')['archivetime'], null);
    refuses(kind, { ...base, archivetime: 'x' }, 'objects[3].archivetime must be a list of pairs');
    refuses(kind, { ...base, archivetime: [[1, -1]] }, 'objects[3].archivetime[0] must be a pair');
  }
});

threads('WS-20 a huge archivetime is refused', () => {
  const archivetime = Array.from({ length: 10_001 }, (_, index) => [index, 1]);
  assert.throws(
    () => checkObject('thread', { ...thread, archivetime }, 'objects[3]'),
    (error: unknown) => error instanceof RejoinError && error.code === 'too-large',
  );
});

threads('a thread needs its uuids, and a name or null', () => {
  assert.equal(checkObject('thread', thread, 'o'), { ...thread, name: null, links: null, archivetime: null });
  assert.is(checkObject('thread', { ...thread, name: 'Day 1' }, 'o')['name'], 'Day 1');
  refuses('thread', { ...thread, name: 7 }, 'objects[3].name must be a string or null');
  refuses('thread', without(thread, 'thread_uuid'), 'objects[3].thread_uuid must be a uuid');
  refuses('thread', without(thread, 'version_uuid'), 'objects[3].version_uuid must be a uuid');
});

threads('WS-16 a comment has a body, or null to delete it', () => {
  const deleted = { ...comment, parent_uuid: null, body: null, archivetime: null };
  assert.equal(checkObject('comment', comment, 'o'), deleted);
  assert.equal(checkObject('comment', deleted, 'o'), deleted);
  assert.is(checkObject('comment', { ...comment, body: '' }, 'o')['body'], '');
  assert.is(checkObject('comment', { ...comment, parent_uuid: 'p' }, 'o')['parent_uuid'], 'p');
  refuses('comment', { ...comment, body: 7 }, 'objects[3].body must be a string or null');
  refuses('comment', { ...comment, parent_uuid: {} }, 'objects[3].parent_uuid must be a string or null');
  for (const name of ['comment_uuid', 'thread_uuid', 'version_uuid'])
    refuses('comment', without(comment, name), `objects[3].${name} must be a uuid`);
});

threads.run();
