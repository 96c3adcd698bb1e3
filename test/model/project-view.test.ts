// The rows, threads and comments that the objects of a project make, whatever the order in which they come.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import type { ObjectKind } from '../../src/model/objects.ts';
import { ProjectView } from '../../src/model/project-view.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('project view');

interface EntryOptions {
  readonly entry?: string;
  readonly clip?: string | null;
  readonly content?: JsonObject | null;
  readonly modifies?: readonly string[] | null;
  readonly time?: number;
  readonly user?: string;
}

/** An original entry, or an edit where it modifies something. */
function entry(version: string, options: EntryOptions = {}): JsonObject {
  const {
    entry: entryUuid = 'e',
    clip = null,
    content = null,
    modifies = null,
    time = 0,
    user = 'u',
  } = options;
  return {
    report_uuid: 'r',
    entry_uuid: entryUuid,
    version_uuid: version,
    user_id: user,
    user_uuid: user,
    author: `the ${user}`,
    clip_id: clip,
    content,
    modifies,
    reason: modifies && `why ${version}`,
    archivetime: null,
    authortime: timeOf(time),
  };
}

function timeOf(second: number): string {
  return `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
}

function comment(
  version: string,
  options: { of?: string; body?: string | null; time?: number } = {},
): JsonObject {
  const { of = 'c', body = version, time = 0 } = options;
  const thread = { thread_uuid: 't', parent_uuid: null, comment_uuid: of };
  return { ...thread, version_uuid: version, body, authortime: timeOf(time) };
}

function viewOf(kind: ObjectKind, values: readonly JsonObject[]): ProjectView {
  const view = new ProjectView();
  for (const value of values) view.add(kind, value);
  return view;
}

const original = entry('o', { clip: '11b', content: { take: '1', note: 'ok' } });

test('WS-14: an edit changes what it names, deletes what is null, and keeps the rest', () => {
  const edit = entry('a', { modifies: ['o'], content: { take: '2', note: null, lens: '35' }, time: 1 });
  const row = viewOf('entry', [original, edit]).row('r', 'e');
  assert.equal(row, {
    report_uuid: 'r',
    entry_uuid: 'e',
    version_uuid: 'a',
    clip_id: '11b',
    content: { take: '2', lens: '35' },
    deleted: false,
    user_id: 'u',
    user_uuid: 'u',
    author: 'the u',
    reason: 'why a',
    authortime: timeOf(1),
    conflicts: [],
  });
});

test('of concurrent edits the latest is the row, and the others are named with who, when and why', () => {
  const early = entry('z', { modifies: ['o'], clip: '11c', time: 1, user: 'loader' });
  const late = entry('a', { modifies: ['o'], content: { take: '9' }, time: 2, user: 'script' });
  const row = viewOf('entry', [original, early, late]).row('r', 'e')!;
  assert.is(row.version_uuid, 'a');
  assert.equal(row.content, { take: '9', note: 'ok' });
  assert.is(row.clip_id, '11b', 'the other head changed the clip');
  const [conflict, ...more] = row.conflicts;
  assert.equal(more, []);
  assert.is(conflict?.user_id, 'loader');
  assert.is(conflict?.authortime, timeOf(1));
  assert.is(conflict?.reason, 'why z');
  assert.is(conflict?.clip_id, '11c');
});

test('of edits of the same moment the greater version uuid is the row', () => {
  const edits = ['b', 'c', 'a'].map((uuid) =>
    entry(uuid, { modifies: ['o'], content: { take: uuid }, time: 1 }),
  );
  const row = viewOf('entry', [original, ...edits]).row('r', 'e')!;
  assert.equal([row.version_uuid, ...row.conflicts.map((head) => head.version_uuid)], ['c', 'b', 'a']);
});

test('an edit that modifies all heads resolves the conflict, with every field said', () => {
  const early = entry('z', { modifies: ['o'], content: { lens: '50' }, time: 1 });
  const late = entry('a', { modifies: ['o'], content: { take: '9' }, time: 2 });
  const view = viewOf('entry', [original, early, late]);
  const resolution = view.entry('r', 'e')!.resolution({ content: { note: 'agreed' } });
  assert.equal(resolution, {
    modifies: ['a', 'z'],
    clip_id: '11b',
    content: { take: '9', note: 'agreed', lens: null },
  });
  const { modifies, clip_id: clip, content } = resolution;
  view.add('entry', entry('m', { modifies, clip, content, time: 3 }));
  const row = view.row('r', 'e')!;
  assert.equal(row.conflicts, []);
  assert.equal(row.content, { take: '9', note: 'agreed' });
});

test('a resolution says null for a field named as what every object has', () => {
  const other = entry('z', { modifies: ['o'], content: { constructor: 'x' }, time: 1 });
  const late = entry('a', { modifies: ['o'], content: { take: '9' }, time: 2 });
  const { content } = viewOf('entry', [original, other, late]).entry('r', 'e')!.resolution({});
  assert.is(content['constructor'], null);
});

test('a deleted row is shown only on request, or while another head disagrees', () => {
  const deletion = entry('d', { modifies: ['o'], time: 2 });
  const view = viewOf('entry', [original, deletion]);
  assert.equal(view.rows('r'), []);
  const [deleted] = view.rows('r', { deleted: true });
  assert.is(deleted?.deleted, true);
  assert.equal(deleted?.content, { take: '1', note: 'ok' }, 'what it was');
  view.add('entry', entry('x', { modifies: ['o'], content: { take: '2' }, time: 1 }));
  assert.is(view.rows('r')[0]?.conflicts[0]?.version_uuid, 'x');
  view.add('entry', entry('y', { modifies: ['d', 'x'], content: { take: '3' }, time: 3 }));
  assert.is(view.rows('r')[0]?.deleted, false, 'an edit of a deleted row brings it back');
});

test('WS-14: an edit whose base is not known shows what it says, and all of it once the base comes', () => {
  const edit = entry('a', { modifies: ['o'], content: { take: '2' }, time: 1 });
  const view = viewOf('entry', [edit]);
  assert.equal(view.row('r', 'e')?.content, { take: '2' });
  assert.is(view.row('r', 'e')?.clip_id, null);
  view.add('entry', original);
  assert.equal(view.row('r', 'e')?.content, { take: '2', note: 'ok' });
  assert.equal(view.row('r', 'e')?.conflicts, []);
});

test('versions that modify each other in a circle make one row: the latest', () => {
  const circle = [
    entry('a', { modifies: ['b'], content: { take: '1' }, time: 1 }),
    entry('b', { modifies: ['c'], content: { take: '2' }, time: 2 }),
    entry('c', { modifies: ['a'], content: { take: '3' }, time: 3 }),
    entry('s', { modifies: ['s'], content: { take: '4' }, entry: 'self' }),
  ];
  const view = viewOf('entry', circle);
  assert.is(view.row('r', 'e')?.version_uuid, 'c');
  assert.equal(view.row('r', 'e')?.conflicts, []);
  assert.is(view.row('r', 'self')?.content['take'], '4');
});

test('a long chain of edits is one row', () => {
  const edits = Array.from({ length: 20_000 }, (_, i) =>
    entry(`v${i}`, {
      modifies: i === 0 ? null : [`v${i - 1}`],
      clip: '1',
      content: { [`f${i % 5}`]: `${i}` },
    }),
  );
  const row = viewOf('entry', edits).row('r', 'e')!;
  assert.is(row.version_uuid, 'v19999');
  assert.equal(row.content, { f0: '19995', f1: '19996', f2: '19997', f3: '19998', f4: '19999' });
});

test('the first object of a version uuid counts, unless it is put in the place of one; it can be taken out', () => {
  const view = viewOf('entry', [original]);
  assert.is(view.add('entry', entry('o', { clip: 'other', content: {} })), null);
  assert.is(view.row('r', 'e')?.clip_id, '11b');
  assert.equal(view.put('entry', { ...original, user_id: 'me' }), { kind: 'entry', report: 'r', entry: 'e' });
  assert.is(view.row('r', 'e')?.user_id, 'me');
  view.remove('entry', original);
  assert.is(view.row('r', 'e'), undefined);
  assert.equal(view.reports(), []);
});

test('rows come in the order in which they were first authored', () => {
  const values = [
    entry('1', { entry: 'late', clip: 'c', content: {}, time: 5 }),
    entry('2', { entry: 'b', clip: 'b', content: {}, time: 1 }),
    entry('3', { entry: 'a', clip: 'a', content: {}, time: 1 }),
    entry('4', { entry: 'a', modifies: ['3'], content: { take: '2' }, time: 9 }),
  ];
  const rows = viewOf('entry', values).rows('r');
  assert.equal(
    rows.map((row) => row.entry_uuid),
    ['a', 'b', 'late'],
  );
});

test('WS-16: of a comment the latest version counts, of equals the greater uuid; null deletes it', () => {
  const view = viewOf('comment', [
    comment('b', { time: 1 }),
    comment('a', { time: 1 }),
    comment('z', { time: 0 }),
    comment('x', { of: 'gone', time: 0 }),
    comment('y', { of: 'gone', time: 1, body: null }),
  ]);
  assert.equal(
    view.comments('t').map(({ body }) => body),
    ['b'],
  );
  assert.equal(
    view.comments('t', { deleted: true }).map(({ deleted }) => deleted),
    [false, true],
  );
  assert.equal(view.comments('another'), []);
  assert.is(view.comment('gone')?.deleted, true);
});

test('of a thread the latest version counts', () => {
  const thread = (version: string, name: string, time: number): JsonObject => ({
    thread_uuid: 't',
    version_uuid: version,
    name,
    links: [['report', 'r']],
    authortime: timeOf(time),
  });
  const view = viewOf('thread', [thread('2', 'new', 2), thread('1', 'old', 1)]);
  assert.equal(
    view.threads().map(({ name, links }) => ({ name, links })),
    [{ name: 'new', links: [['report', 'r']] }],
  );
  view.remove('thread', thread('2', 'new', 2));
  assert.is(view.thread('t')?.name, 'old');
});

test('every order of arrival ends in the same rows', () => {
  const generator = seededPrng('project view');
  const random = (below: number): number => prng.int32(generator, 0, below - 1);
  for (let round = 0; round < 100; round++) {
    const versions = Array.from({ length: 12 }, (_, i) =>
      entry(`v${i}`, {
        entry: `e${i % 2}`,
        modifies: i < 2 ? null : [`v${random(i)}`, `v${random(i)}`],
        clip: i < 2 ? 'c' : null,
        content:
          i > 2 && random(5) === 0 ? null : { [`f${random(3)}`]: random(4) === 0 && i > 1 ? null : `${i}` },
        time: random(4),
      }),
    );
    const shown = viewOf('entry', versions).rows('r', { deleted: true });
    const shuffled = versions
      .map((value) => ({ value, at: random(1_000_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
    assert.equal(viewOf('entry', shuffled).rows('r', { deleted: true }), shown);
  }
});

test.run();
