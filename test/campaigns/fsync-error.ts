// The fsync-error campaign: strace makes some calls of fsync and fdatasync in a row fail with EIO, under a server that is
// written to on all three wires.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { FailingRound } from './failing-disk/failing-round.ts';
import type { FailingFigures } from './failing-disk/failing-figures.ts';
import { runRounds, type FailingDiskOptions } from './failing-disk/run-rounds.ts';
import type { Chance } from './kill9/chance.ts';

/** The first call that fails: a server that has just started makes a few. */
const firstFailure = { least: 60, most: 200 };
/** The recovery doubles its pause with each: all but the last few are soon over. */
const failuresInARow = { least: 7, most: 8 };

/** Why it can't be run here; null if it can. */
export async function whyNoFsyncError(): Promise<string | null> {
  try {
    await promisify(execFile)('strace', [...injection(1, 1), process.execPath, '--version']);
    return null;
  } catch (error) {
    return `no process can be traced here: ${messageOf(error).split('\n').slice(-2).join(' ').trim()}`;
  }
}

/** Ends early when a round finds a problem. @throws Error where `whyNoFsyncError` says why. */
export function runFsyncError(options: FailingDiskOptions): Promise<FailingFigures> {
  return runRounds(options, failOnce);
}

async function failOnce(number: number, chance: Chance): Promise<FailingRound> {
  const data = await temporaryFolder();
  const first = chance.integer(firstFailure.least, firstFailure.most);
  const count = chance.integer(failuresInARow.least, failuresInARow.most);
  try {
    const server = await startProcess(data, {
      under: ['strace', ...injection(first, first + count - 1)],
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, // strace counts the calls of each thread by themselves
    });
    try {
      const round = await FailingRound.start(server, number, chance.fork());
      try {
        await round.untilFailing();
        await round.checkWhileFailing();
        await round.untilAllWrite();
        await round.killAndCheck(() => startProcess(data));
      } finally {
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

function injection(first: number, last: number): string[] {
  const calls = 'fdatasync,fsync';
  const fault = `inject=${calls}:error=EIO:when=${first}..${last}`;
  return ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', fault];
}
