// The fsync-error campaign: for a while strace makes every call of fsync and fdatasync fail with EIO, under a server that is
// written to on all three wires.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { FailingRound } from './failing-disk/failing-round.ts';
import { FsyncFault } from './failing-disk/fsync-fault.ts';
import type { FailingFigures } from './failing-disk/failing-figures.ts';
import { runRounds, type FailingDiskOptions } from './failing-disk/run-rounds.ts';
import type { Chance } from './kill9/chance.ts';

/** Acknowledged on each wire before the first call fails. */
const writesBefore = { least: 10, most: 60 };

/** Why it can't be run here; null if it can. */
export async function whyNoFsyncError(): Promise<string | null> {
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore' });
  try {
    await once(idle, 'spawn');
    const fault = FsyncFault.begin(idle.pid);
    const problem = await Promise.race([fault.problem, fault.hasBegun]);
    await fault.end();
    return problem === null ? null : `no process can be traced here: ${problem}`;
  } finally {
    idle.kill('SIGKILL');
  }
}

/** Ends early when a round finds a problem. @throws Error where `whyNoFsyncError` says why. */
export function runFsyncError(options: FailingDiskOptions): Promise<FailingFigures> {
  return runRounds(options, failOnce);
}

async function failOnce(number: number, chance: Chance): Promise<FailingRound> {
  const data = await temporaryFolder();
  try {
    const server = await startProcess(data);
    try {
      const round = await FailingRound.start(server, number, chance.fork());
      let fault: FsyncFault | null = null;
      try {
        await round.untilWritten(chance.integer(writesBefore.least, writesBefore.most));
        fault = FsyncFault.begin(server.child.pid);
        await round.checkWhileFailing();
        await fault.end();
        await round.untilAllWrite();
        await round.killAndCheck(() => startProcess(data));
      } finally {
        await fault?.end();
        await round.end();
      }
      return round;
    } finally {
      await server.kill('SIGKILL');
    }
  } finally {
    await removeFolder(data);
  }
}
