// WS-10: a stored object under the names of the later vocabulary, however it was written.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { checkObject, completeObject, type ObjectKind } from '../../src/model/objects.ts';
import { laterObject } from '../../src/wire/stream/later-names.ts';
import { comment, entry, thread } from '../support/object-fields.ts';
import { inLaterNames } from '../support/stream-later.ts';

const names = suite('later names');

const author = { userId: 'someone', userUuid: 'u"1\\', nowMs: 1_700_000_000_000 };

function stored(kind: ObjectKind, fields: JsonObject): JsonObject {
  return completeObject(kind, checkObject(kind, fields, 'x'), author, 'replace').value;
}

function printed(kind: ObjectKind, value: JsonObject): string {
  const { start, rest } = laterObject(kind, Buffer.from(JSON.stringify(value)));
  return `{${Buffer.concat([Buffer.from(start, 'latin1'), rest]).toString()}`;
}

const awkward = [
  '"',
  '\\',
  '\\"',
  '","clip_id":',
  '"clip_id":{}',
  'ü€🎬',
  '\n\u2028',
  '{"body":1}',
  '},"name":',
];

names('WS-10 every field of every kind is there, in its place', () => {
  for (const [kind, fields] of [
    ['entry', entry],
    ['thread', thread],
    ['comment', comment],
  ] as const)
    // prettier-ignore
    for (const text of ['plain', ...awkward]) {
      const uuids = Object.keys(fields).filter((name) => name.endsWith('_uuid'));
      const value = stored(kind, {
        ...fields,
        ...Object.fromEntries(uuids.map((name) => [name, text])),
        ...(kind === 'entry' ? { clip_id: text, content: { [text]: text } } : {}),
        ...(kind === 'comment' ? { body: text, parent_uuid: text } : { name: text }),
      });
      assert.is(printed(kind, value), JSON.stringify(inLaterNames(value)));
    }
  assert.ok(printed('comment', stored('comment', comment)).includes('"parent":null'));
});

names('WS-18 extra fields are kept, wherever they stand', () => {
  for (const extra of [
    { zoom: [1] },
    { '7': 'first' },
    { submissiontimes: 1 },
    { x: { version_uuid: 'v' } },
  ]) {
    const value = stored('entry', { ...entry, ...extra });
    assert.equal(JSON.parse(printed('entry', value)), inLaterNames(value));
  }
});

names('WS-18 no field stands there twice', () => {
  // As an older release has stored it.
  const value = { ...stored('entry', entry), report: 'another', user: 7, project: 'p', topic: 'kept' };
  const { report, user, project, ...expected } = value;
  assert.is(printed('entry', value), JSON.stringify(inLaterNames(expected)));
  assert.equal([report, user, project], ['another', 7, 'p']);
});

names.run();
