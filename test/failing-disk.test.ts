// The short campaigns with a failing disk, and starting on a full one. The long ones: `npm run campaign -- disk-full` and
// `npm run campaign -- fsync-error`.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runDiskFull } from './campaigns/disk-full.ts';
import type { FailingFigures } from './campaigns/failing-disk/failing-figures.ts';
import { SmallDisk } from './campaigns/failing-disk/small-disk.ts';
import { runFsyncError, whyNoFsyncError } from './campaigns/fsync-error.ts';
import { testSeed } from './support/seed.ts';
import { testUnless } from './support/test-unless.ts';
import { spawnRejoin, startProcess } from './support/server.ts';

const test = suite('failing disk');

const noSmallDisk = await SmallDisk.whyNot();
const noFsyncError = await whyNoFsyncError();

function checkFigures(figures: FailingFigures, rounds: number): void {
  assert.equal(figures.problems, []);
  assert.is(figures.rounds, rounds);
  assert.is(figures.acknowledgedWhileFailing, 0);
  assert.ok(
    figures.readsWhileFailing > 0,
    'nothing was read while the disk failed: the check would show nothing',
  );
  for (const [wire, count] of Object.entries(figures.acknowledged))
    assert.ok(count >= 10, `only ${count} acknowledged writes on ${wire}: the check would show nothing`);
}

testUnless(
  noSmallDisk,
  test,
  'a disk that is full acknowledges nothing and can be read; writing resumes; all acknowledged is there',
  async () => {
    checkFigures(await runDiskFull({ rounds: 1, seed: testSeed('disk-full') }), 1);
  },
);

testUnless(
  noFsyncError,
  test,
  'an fsync that fails acknowledges nothing; all goes on when it works again',
  async () => {
    checkFigures(await runFsyncError({ rounds: 1, seed: testSeed('fsync-error') }), 1);
  },
);

testUnless(
  noSmallDisk,
  test,
  'starting on a full disk: one sentence, exit code 1, no stack trace; it starts when there is space',
  async () => {
    const disk = await SmallDisk.mount();
    try {
      await disk.fill();
      await refusesToStart(disk.data); // a new folder
      await disk.removeBallast();
      await (await startProcess(disk.data)).kill('SIGTERM');
      await disk.fill();
      await refusesToStart(disk.data);
      await disk.removeBallast();
      await (await startProcess(disk.data)).kill('SIGTERM');
    } finally {
      await disk.unmount();
    }
  },
);

async function refusesToStart(data: string): Promise<void> {
  const child = spawnRejoin(['--port', '0', '--data', data]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.match(output, /^rejoin: [^\n]*the disk is full[^\n]*\n$/);
  assert.is(code, 1);
}

test.run();
