// The check of the servers and restore campaigns itself: what must never be in two folders is found there.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { SeenRecord } from '../../simulation/log-reader.ts';
import { checkFolders, checkNumbers } from './check-folders.ts';
import type { LoggedProject } from './folder-log.ts';
import { Ledger, markOf } from './ledger.ts';

const check = suite('check folders');

const [first, second] = [markOf('yjs1', 1), markOf('yjs1', 2)];

/** Three records of one server: two that build on each other, and one of a group of two that has no update. */
function whole(): { records: SeenRecord[]; doc: Y.Doc } {
  const doc = new Y.Doc();
  doc.clientID = 7;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  doc.getMap('notes').set(first, true);
  doc.getMap('notes').set(second, true);
  const record = (seqno: number, group: [number, number], update: Uint8Array | null): SeenRecord => ({
    serverId: 1,
    seqno,
    groupIndex: group[0],
    groupSize: group[1],
    kind: 'other',
    checksum: `sum ${seqno}`,
    object: null,
    update,
  });
  const records = [record(1, [0, 1], updates[0]!), record(2, [0, 2], updates[1]!), record(3, [1, 2], null)];
  return { records, doc };
}

/** What is found when the second server has these records. */
function found(
  change: (records: SeenRecord[]) => SeenRecord[],
  { lifecycle = 0, acknowledged = [first, second] } = {},
): string {
  const { records, doc } = whole();
  const ledger = new Ledger();
  for (const mark of acknowledged) ledger.acknowledge(mark, { project: 'p', wire: 'yjs', isObject: false });
  const log = (project: LoggedProject): Map<string, LoggedProject> => new Map([['p', project]]);
  const folders = [
    { name: 'server 1', log: log({ records, lifecycle: 0 }) },
    { name: 'server 2', log: log({ records: change([...records]), lifecycle }) },
  ];
  assert.is(checkFolders(folders, ledger, new Map([['p', doc]])), 3);
  doc.destroy();
  return ledger.problems.join('\n');
}

check('nothing is found in two folders that are whole and equal', () => {
  assert.is(
    found((records) => records),
    '',
  );
});

check('REP-3 a hole, a group in part, and a change before what it builds on are found', () => {
  const hole = found(([one, two, three]) => [one!, { ...two!, seqno: 3 }, { ...three!, seqno: 4 }]);
  assert.match(hole, /p on server 2: 1\/3 where 2 is due/);
  assert.match(
    found(([one, two]) => [one!, two!]),
    /p on server 2 ends within a group/,
  );
  assert.match(
    found(([one, , three]) => [one!, three!]),
    /1\/3 is out of its group/,
  );
  const turned = found(([one, two, three]) => [
    { ...one!, update: two!.update },
    { ...two!, update: one!.update },
    three!,
  ]);
  assert.match(turned, /1\/1 comes before what it builds on/);
});

check('REP-5 REP-8 what one lacks, what is deleted on one, and a number with two contents are found', () => {
  const missing = found(([one]) => [one!]);
  assert.match(missing, /server 1 and server 2: only the first has 1\/2/);
  assert.match(missing, /!yjs1x2! of p was acknowledged on yjs and is not on server 2/);
  assert.match(missing, /p on server 2: the log makes another document/);
  assert.match(
    found(([one, ...others]) => [{ ...one!, checksum: 'other' }, ...others]),
    /1\/1 has two contents/,
  );
  assert.match(
    found((records) => records, { lifecycle: 2 }),
    /lifecycles 0 and 2/,
  );
  assert.match(
    found((records) => records, { acknowledged: [markOf('ws1', 1)] }),
    /!ws1x1! of p was acknowledged on yjs and is not on server 1/,
  );
});

check('REP-8 a number that stood for something else in a folder that is gone is found', () => {
  const { records, doc } = whole();
  const [one, ...others] = records;
  const log = (changed: SeenRecord): Map<string, LoggedProject> =>
    new Map([['p', { records: [changed, ...others], lifecycle: 0 }]]);
  const ledger = new Ledger();
  checkNumbers([log(one!), log({ ...one!, seqno: 9 })], ledger);
  assert.equal(ledger.problems, []);
  checkNumbers([log(one!), log({ ...one!, checksum: 'other' })], ledger);
  assert.equal(ledger.problems, ['p 1/1 has two contents']);
  doc.destroy();
});

check.run();
