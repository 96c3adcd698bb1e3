import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readLastNumber, readSequenceKey } from '../../src/store/read-key.ts';
import { holderKey, projectKey, projectOfHolderKey, projectOfKey } from '../../src/store/store-keys.ts';

const test = suite('keys');

test('golden keys of format 1', () => {
  const keys = new ProjectKeys('film');
  const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
  assert.is(hex(projectKey('film')), '7066696c6d00');
  assert.is(hex(keys.record(258)), '6466696c6d0072000000000102');
  assert.is(hex(keys.sequence(2 ** 48 - 1, 1)), '6466696c6d0073ffffffffffff000000000001');
  assert.is(hex(keys.uuid('entry', 'ab')), '6466696c6d0075656162');
  assert.is(hex(keys.version(7)), '6466696c6d0076000000000007');
  assert.is(hex(keys.clients(5)), '6466696c6d0063000000000005');
  assert.is(hex(keys.topLevelKeys), '6466696c6d006b');
});

test('golden keys that came with format 2', () => {
  const keys = new ProjectKeys('film');
  const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
  const report = { field: 'report', value: 'a\0b' } as const;
  assert.is(hex(keys.posting('entry', report, 258)), '6466696c6d00787265610101' + '6200' + '000000000102');
  assert.is(hex(keys.indexMark), '6466696c6d0079');
  assert.is(hex(keys.udtChange(7)), '6466696c6d0074000000000007');
  assert.is(hex(keys.unkeptPatch(7)), '6466696c6d0067000000000007');
  assert.is(hex(holderKey(report, 'film')), '6872610101' + '6200' + '66696c6d00');
  assert.is(projectOfHolderKey(report, holderKey(report, 'né')), 'né');
});

test('postings of one value have none of another, of another field or kind, or of what begins alike', () => {
  const keys = new ProjectKeys('p');
  const of = (field: 'report' | 'user', value: string) => ({ field, value });
  const range = keys.postings('entry', of('user', 'a'), 5, 9);
  assert.ok(isIn(keys.posting('entry', of('user', 'a'), 5), range));
  assert.ok(isIn(keys.posting('entry', of('user', 'a'), 9), range));
  for (const other of [
    keys.posting('entry', of('user', 'a'), 4),
    keys.posting('entry', of('user', 'a'), 10),
    keys.posting('entry', of('report', 'a'), 7),
    keys.posting('thread', of('user', 'a'), 7),
    keys.posting('entry', of('user', 'a\0'), 7),
    keys.posting('entry', of('user', ''), 7),
    keys.posting('entry', of('user', 'ab'), 7),
  ])
    assert.not(isIn(other, range));
  const [long, longer] = ['x'.repeat(10_000), 'x'.repeat(10_001)];
  assert.ok(keys.posting('entry', of('user', long), 1).length < 600);
  assert.is.not(
    Buffer.compare(keys.posting('entry', of('user', long), 1), keys.posting('entry', of('user', longer), 1)),
    0,
  );
});

test('keys sort as their numbers do', () => {
  const keys = new ProjectKeys('p');
  const numbers = [0, 1, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 48 - 1];
  for (const [i, n] of numbers.entries()) {
    assert.is(readLastNumber(keys.record(n)), n);
    assert.equal(readSequenceKey(keys.sequence(n, n)), { serverId: n, seqno: n });
    const next = numbers[i + 1];
    if (next !== undefined) assert.is(Buffer.compare(keys.record(n), keys.record(next)), -1);
  }
});

test('a range has all of its section, and nothing of another section or project', () => {
  const last = 2 ** 48 - 1;
  for (const id of ['a', 'ab', 'a\u0001', 'é', '7']) {
    const keys = new ProjectKeys(id);
    assert.ok(isIn(keys.record(last), keys.allRecords()) && isIn(keys.record(0), keys.allRecords()));
    assert.ok(isIn(keys.sequence(last, last), keys.sequencesBelow(null)));
    assert.ok(isIn(keys.sequence(8, last), keys.sequencesBelow(9)));
    assert.not(isIn(keys.sequence(9, 0), keys.sequencesBelow(9)));
    assert.not(isIn(keys.sequence(0, 0), keys.allRecords()));
    assert.not(isIn(keys.version(last), keys.allRecords()));
    for (const other of ['a', 'ab', 'a\u0001', 'é', '7', 'a\u0001b', 'aa']) {
      if (other !== id)
        assert.not(isIn(new ProjectKeys(other).record(1), keys.allRecords()), `${other} in ${id}`);
    }
  }
});

test('an id comes back from its key, whatever is in it', () => {
  for (const id of ['film', 'a/b c', '\u0001\u0002', 'né€😀', 'x\u0000y', '7']) {
    assert.is(projectOfKey(projectKey(id)), id);
  }
});

function isIn(key: Uint8Array, { from, before }: { from: Uint8Array; before: Uint8Array }): boolean {
  return Buffer.compare(key, from) >= 0 && Buffer.compare(key, before) < 0;
}

test.run();
