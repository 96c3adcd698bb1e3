// Names in commands that are shown to be copied: a shell reads them as they are.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shellWord } from '../../src/model/shell-word.ts';

const run = promisify(execFile);
const test = suite('shell words');

test('what needs no quotes has none', () => {
  for (const plain of ['data', './data', '/srv/rejoin-2/a_b.c', 'day:1', 'a=b,c@d%e+f'])
    assert.is(shellWord(plain), plain);
});

test('a shell reads every word as what it was', async () => {
  const words = ['', 'a b', "it's", '"', '$HOME', '`id`', '*', '~', 'a;b', 'a\nb', '\\', '#1', 'é'];
  const { stdout } = await run('sh', ['-c', `printf '%s\\0' ${words.map(shellWord).join(' ')}`]);
  assert.equal(stdout.split('\0').slice(0, -1), words);
});

test.run();
