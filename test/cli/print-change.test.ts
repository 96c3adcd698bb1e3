// The lines of `rejoin tail`: when, who and what, in one line, and nothing that a terminal would take for a command.
// Runs in a process of its own, since it sets the time zone.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChangePrinter } from '../../src/cli/print-change.ts';
import { RecentNames } from '../../src/cli/recent-names.ts';
import type { JsonObject } from '../../src/model/json.ts';

process.env.TZ = 'Asia/Tokyo';
const test = suite('printing changes');

const time = '2026-11-22T10:22:31.500Z';
const common = { user_id: 'ann', authortime: time, submissiontime: time };
const entry = {
  type: 'entry',
  report_uuid: 'day 3',
  entry_uuid: 'e1',
  modifies: null,
  reason: null,
  ...common,
};

/** What follows the time, and who it was. */
function lines(...messages: readonly JsonObject[]): (string | null)[] {
  const printer = new ChangePrinter((_, text) => text);
  return messages.map((message) => printer.line(message)?.replace(/^[\d-]+ [\d:]+ {2}ann {2}/, '') ?? null);
}

test('entries: what was added, changed and deleted, of which clip, and why', () => {
  const edit = { ...entry, clip_id: null, content: null, modifies: ['v'], reason: 'typo' };
  assert.equal(
    lines(
      { ...entry, clip_id: '11b', content: { scene: '12', 'a b': '' } },
      { ...entry, clip_id: '9', content: {}, entry_uuid: 'e2' },
      { ...edit, content: { scene: '13', take: null } },
      { ...edit, clip_id: '12b' },
      { ...edit, clip_id: '12b', content: { scene: '1' } },
      edit,
      { ...edit, entry_uuid: 'e9', reason: '' },
    ),
    [
      'day 3  11b  added scene "12", a b ""',
      'day 3  9  added',
      'day 3  11b  changed scene "13", take removed (typo)',
      'day 3  12b  changed clip "12b" (typo)',
      'day 3  12b  changed scene "1" (typo)',
      'day 3  12b  deleted (typo)',
      'day 3  entry e9  deleted',
    ],
  );
});

test('threads, comments and patches of udt', () => {
  const thread = { type: 'thread', thread_uuid: 't1', ...common };
  const comment = { type: 'comment', thread_uuid: 't1', comment_uuid: 'c', ...common };
  const operations = Array.from({ length: 6 }, (_, i) => ({ op: 'remove', path: `/samples/${i}` }));
  const patch = { type: 'patch', user_name: 'ann', time, srv_id: 1, seqno: 4 };
  assert.equal(
    lines(
      { ...thread, name: 'Colours' },
      { ...thread, thread_uuid: 't2', name: null },
      { ...comment, body: 'Is it\ngreen?' },
      { ...comment, body: null, thread_uuid: 't9' },
      { ...patch, patch: [{ op: 'add', path: '/samples/0/annotation', value: { a: 1 } }] },
      { ...patch, patch: [{ op: 'move', from: '/a', path: '/b' }, ...operations] },
      { ...patch, patch: [{ op: 'replace', path: '', value: {} }] },
      { ...patch, patch: [] },
      { type: 'sync', since: [[1, 5]] },
    ),
    [
      'thread  Colours',
      'thread  without a name',
      'comment in Colours  "Is it\\ngreen?"',
      'comment in thread t9  deleted',
      'udt  add /samples/0/annotation {"a":1}',
      'udt  move /b from /a, remove /samples/0, remove /samples/1, remove /samples/2, and 3 more',
      'udt  replace everything {}',
      'udt  nothing changed',
      null,
    ],
  );
});

test('time is local; what was written offline says when; authors are named beside users', () => {
  const line = (more: JsonObject): string =>
    new ChangePrinter((_, text) => text).line({ ...entry, ...more }) ?? '';
  assert.ok(line({}).startsWith('2026-11-22 19:22:31  ann  day 3'), line({}));
  const late = line({ authortime: '2026-11-20T18:22:31.500Z' });
  assert.ok(late.startsWith('2026-11-22 19:22:31 (written 2026-11-21 03:22:31)  ann  '), late);
  assert.match(line({ author: 'Ann B.' }), / {2}Ann B\. \(ann\) {2}/);
  assert.match(line({ author: 'ann' }), / {2}ann {2}/);
});

test('control characters are shown, not sent to the terminal; long values are cut', () => {
  const [text = ''] = lines({
    ...entry,
    report_uuid: 'r\u001b[31m',
    clip_id: '\u0007\u202e\n',
    content: { 'a\u009b': '\u001b]0;x', long: 'x'.repeat(500) },
  });
  assert.not.match(text ?? '', /[\u0000-\u001f\u007f-\u009f\u202e]/);
  assert.ok(
    (text ?? '').startsWith('r\\u{1b}[31m  \\u{7}\\u{202e}\\u{a}  added a\\u{9b} "\\u001b]0;x"'),
    text ?? '',
  );
  assert.ok((text ?? '').length < 200);
});

test('what is painted is the text and nothing else', () => {
  const printer = new ChangePrinter((style, text) => `<${style}>${text}</>`);
  const message = { ...entry, clip_id: '11b', content: { scene: '12' } };
  assert.match(
    printer.line(message) ?? '',
    /^<dim>[^<]*<\/> {2}<cyan>ann<\/> {2}day 3 {2}<bold>11b<\/> {2}added scene "12"$/,
  );
});

test('only the names seen last are kept', () => {
  const names = new RecentNames();
  for (let i = 0; i <= 10_000; i++) {
    names.set(`id ${i}`, `name ${i}`);
    names.set('id 0', 'name 0');
  }
  assert.is(names.get('id 0'), 'name 0');
  assert.is(names.get('id 1'), undefined);
  assert.is(names.get('id 2'), 'name 2');
});

test.run();
