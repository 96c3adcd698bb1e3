// What of a report file becomes entries and edits: the same of the same file, whoever has changed what on the server.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clipRows, type ColumnChoice } from '../../src/cli/clip-rows.ts';
import { KnownReport } from '../../src/cli/known-report.ts';
import { planUpload, type PlannedEntry } from '../../src/cli/plan-upload.ts';
import { uuidOfName } from '../../src/cli/uuid-of-name.ts';
import { messageOf } from '../../src/errors.ts';
import { readReportCsv } from '../../src/files/read-report.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { printTime } from '../../src/model/time.ts';

const test = suite('planning an upload');

/** A server that has a report, and a clock that goes on with each object. */
class Server {
  readonly report = new KnownReport('r');
  private count = 0;

  plan(csv: string, choice: Partial<ColumnChoice> = {}, project = 'p'): PlannedEntry[] {
    const { rows, key } = clipRows(readReportCsv(csv), { clip: undefined, key: undefined, ...choice });
    return planUpload(rows, this.report, { project, key, reason: 'from r.csv' });
  }

  /** Uploads what is planned. @returns how many are entries, and how many edits. */
  upload(csv: string, choice: Partial<ColumnChoice> = {}): [entries: number, edits: number] {
    const planned = this.plan(csv, choice);
    for (const { entryUuid, versionUuid, fields } of planned)
      this.add({ entry_uuid: entryUuid, version_uuid: versionUuid, ...fields });
    const edits = planned.filter(({ isEdit }) => isEdit).length;
    return [planned.length - edits, edits];
  }

  add(fields: JsonObject): void {
    const authortime = printTime(Date.UTC(2026, 0, 1) + 1000 * this.count++);
    this.report.add({ report_uuid: 'r', authortime, ...fields });
  }

  /** Somebody changes the row of a clip. */
  edit(clipId: string, content: JsonObject | null): void {
    const row = this.report.rows().find((each) => each.clip_id === clipId)!;
    const version = `somebody's ${this.count}`;
    const names = { entry_uuid: row.entry_uuid, version_uuid: version, modifies: [row.version_uuid] };
    this.add({ ...names, clip_id: null, content, reason: 'better' });
  }

  rows(): unknown[] {
    return this.report.rows().map(({ clip_id, content, conflicts }) => [clip_id, content, conflicts.length]);
  }
}

const file = 'clip_id,scene,take\n11b,12,3\n12,13,1\n12,13,1\n';
const byClip = { key: 'clip_id' };

test('uuids of names are of version 5, and differ when the parts do', () => {
  assert.match(uuidOfName(['a']), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(uuidOfName(['a', 'b']), uuidOfName(['a', 'b']));
  const names = [['a', 'b'], ['ab'], ['a', 'b', ''], ['b', 'a'], ['a,b']];
  assert.is(new Set(names.map(uuidOfName)).size, names.length);
});

test('the same file again is nothing to do; identical rows are several entries', () => {
  const server = new Server();
  const first = server.plan(file);
  assert.equal(new Server().plan(file), first, 'it follows from the file alone');
  assert.is(new Set(first.flatMap(({ entryUuid, versionUuid }) => [entryUuid, versionUuid])).size, 6);
  assert.equal(server.upload(file), [3, 0]);
  assert.equal(server.upload(file), [0, 0]);
  assert.equal(server.upload('take,clip_id,scene\n3,11b,12\n1,12,13\n1,12,13\n'), [0, 0], 'columns moved');
  assert.equal(server.upload(file + '12,13,1\n'), [1, 0], 'a third identical row');
  assert.equal(server.upload(file), [0, 0]);
});

test('entries of other projects, reports and rows have other uuids', () => {
  const uuids = [
    ...new Server().plan(file),
    ...new Server().plan(file, {}, 'other'),
    ...new Server().plan(file, { clip: 'scene' }),
    ...new Server().plan('clip_id,scene,take\n11b,12,4\n'),
  ].map(({ entryUuid }) => entryUuid);
  assert.is(new Set(uuids).size, 10);
});

test('without a key a changed row is another entry, and what others made of a row stays', () => {
  const server = new Server();
  server.upload(file);
  server.edit('11b', { take: '4' });
  assert.equal(server.upload(file), [0, 0]);
  assert.equal(server.upload(file.replace('11b,12,3', '11b,12,5')), [1, 0]);
  assert.equal(server.rows()[0], ['11b', { scene: '12', take: '4' }, 0]);
});

test('with a key a changed row is an edit of the head, and says every field', () => {
  const server = new Server();
  const before = 'clip_id,scene,take\n11b,12,3\n12,13,1\n';
  const after = 'clip_id,scene,note\n11b,14,\n12,13,\n';
  assert.equal(server.upload(before, byClip), [2, 0]);
  assert.equal(server.upload(before, byClip), [0, 0]);
  const [edit] = server.plan(after, byClip);
  const [row] = server.report.rows();
  assert.equal(edit?.fields, {
    clip_id: '11b',
    content: { scene: '14', note: '', take: null },
    modifies: [row?.version_uuid],
    reason: 'from r.csv',
  });
  assert.equal(server.upload(after, byClip), [0, 2]);
  assert.equal(server.upload(after, byClip), [0, 0]);
  assert.equal(server.upload(before, byClip), [0, 2], 'back to what it was is a change too');
  assert.equal(server.upload(before, byClip), [0, 0]);
  assert.equal(server.rows(), [
    ['11b', { scene: '12', take: '3' }, 0],
    ['12', { scene: '13', take: '1' }, 0],
  ]);
});

test('with a key what others made of a row stays until the row changes in the file, which then ends conflicts', () => {
  const server = new Server();
  const rows = 'clip_id,take\n11b,3\n12,1\n13,1\n';
  server.upload(rows, byClip);
  const [{ version_uuid: head, entry_uuid: entry } = { version_uuid: '', entry_uuid: '' }] =
    server.report.rows();
  server.edit('11b', { take: '4' });
  server.add({
    entry_uuid: entry,
    version_uuid: 'x',
    modifies: [head],
    clip_id: null,
    content: { take: '5' },
  });
  server.edit('12', null);
  assert.equal(server.upload(rows, byClip), [0, 0]);
  assert.equal(server.rows(), [
    ['11b', { take: '5' }, 1],
    ['13', { take: '1' }, 0],
  ]);
  assert.equal(server.upload('clip_id,take\n11b,6\n12,2\n13,1\n', byClip), [0, 2]);
  assert.equal(server.rows(), [
    ['11b', { take: '6' }, 0],
    ['12', { take: '2' }, 0],
    ['13', { take: '1' }, 0],
  ]);
});

test('a key names rows that others have made; the clip may be another column', () => {
  const server = new Server();
  const names = { entry_uuid: 'e', version_uuid: 'v', modifies: null, reason: null };
  server.add({ ...names, clip_id: '11b', content: { shot: 'A', take: '1' } });
  assert.equal(server.upload('clip_id,shot,take\n11b,A,1\n', { key: 'shot' }), [0, 0]);
  assert.equal(server.upload('clip_id,shot,take\n12,A,2\n', { key: 'shot' }), [0, 1]);
  assert.equal(server.rows(), [['12', { shot: 'A', take: '2' }, 0]]);
  assert.equal(server.upload('shot,take,name\nA,2,12\n', { key: 'name', clip: 'name' }), [0, 0]);
});

test('what a key cannot identify is refused', () => {
  const server = new Server();
  const refusal = (csv: string, choice: Partial<ColumnChoice>): string => {
    try {
      return `planned ${server.plan(csv, choice).length}`;
    } catch (error) {
      return messageOf(error);
    }
  };
  assert.match(refusal(file, byClip), /^has "12" in "clip_id" twice, at line 3 and line 4/);
  assert.match(
    refusal('clip_id,take\n11b,\n', { key: 'take' }),
    /^has at line 2 a row with nothing in "take"/,
  );
  assert.match(
    refusal(file, { key: 'shot' }),
    /^has no column "shot" \(--key\), but "clip_id", "scene", "take"/,
  );
  assert.match(refusal(file, { clip: 'shot' }), /^has no column "shot" \(--clip\)/);
  server.upload(file);
  assert.match(
    refusal('clip_id,take\n12,9\n', byClip),
    /^Nothing was uploaded: the row at line 2 could be any of 2 rows of the server that have "12" in "clip_id"/,
  );
});

test.run();
