import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diskProblem, isDiskProblem } from '../../src/store/disk-error.ts';

const test = suite('disk errors');

test('what a disk says is put in plain words, whoever passes it on', () => {
  const cases = [
    ['IO error: /data/db/000003.log: No space left on device', 'the disk is full'],
    ['ENOSPC: no space left on device, write', 'the disk is full'],
    ['EDQUOT: disk quota exceeded, write', 'the disk quota is used up'],
    ['IO error: /data/db/000005.ldb: Input/output error', 'the disk reports an input/output error'],
    ['EIO: i/o error, fsync', 'the disk reports an input/output error'],
    ['EROFS: read-only file system, open', 'the disk is mounted read-only'],
  ] as const;
  for (const [message, words] of cases) {
    assert.is(diskProblem(new Error(message)), words);
    assert.ok(isDiskProblem(new Error(message)));
  }
});

test('anything else is said as it is', () => {
  assert.is(diskProblem(new Error('Corruption: bad magic')), 'Corruption: bad magic');
  assert.not.ok(isDiskProblem(new Error('PRODUCTION: what an EIOU')));
});

test.run();
