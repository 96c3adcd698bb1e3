// The disk-full campaign: a server on a disk of 1 MiB is written to until the disk is full. Nothing is acknowledged then,
// everything can be read, writing resumes when there is space, and what was acknowledged is there after a kill.

import { startProcess } from '../support/server.ts';
import { FailingRound } from './failing-disk/failing-round.ts';
import type { FailingFigures } from './failing-disk/failing-figures.ts';
import { runRounds, type FailingDiskOptions } from './failing-disk/run-rounds.ts';
import { SmallDisk, smallDiskBytes } from './failing-disk/small-disk.ts';
import type { Chance } from './kill9/chance.ts';

/** Of the disk. There must be as much left for the log as LevelDB needs to make a table of it again. */
const ballastPercent = { least: 60, most: 75 };

/** Ends early when a round finds a problem. @throws Error where `SmallDisk.whyNot` says why. */
export function runDiskFull(options: FailingDiskOptions): Promise<FailingFigures> {
  return runRounds(options, fillOnce);
}

async function fillOnce(number: number, chance: Chance): Promise<FailingRound> {
  const disk = await SmallDisk.mount();
  try {
    const percent = chance.integer(ballastPercent.least, ballastPercent.most);
    await disk.addBallast(Math.floor((smallDiskBytes * percent) / 100));
    const server = await startProcess(disk.data);
    try {
      const round = await FailingRound.start(server, number, chance.fork());
      try {
        await round.checkWhileFailing();
        await disk.removeBallast();
        await round.untilWritingResumes();
        await disk.enlarge(); // it is soon full again
        await round.untilAllWrite();
        await round.killAndCheck(() => startProcess(disk.data));
      } finally {
        await round.end();
      }
      return round;
    } finally {
      await server.kill('SIGKILL');
    }
  } finally {
    await disk.unmount();
  }
}
