// What befalls a data folder while nobody has it open, and how its owner goes on: from a backup with `rejoin restore`, or without
// noticing anything.

import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { markerName } from '../../../src/store/marker.ts';
import { runRejoin } from '../../support/run-rejoin.ts';
import { applyFlip, randomFlip } from '../bitrot/flip.ts';
import type { Chance } from '../kill9/chance.ts';

/**
 * `deleted`, `damaged`: and restored from the backup. `rolled-back`: the database is what it was at the backup, under the same marker, as
 * when a volume is put back in place. `alone`: deleted and restored where there is no other server.
 */
export const disasters = ['deleted', 'rolled-back', 'damaged', 'alone'] as const;
export type Disaster = (typeof disasters)[number];

const flipsMax = 5;

/** @throws Error that says what a command said, if it ends badly. */
export async function strike(
  disaster: Disaster,
  data: string,
  backup: string,
  chance: Chance,
): Promise<void> {
  switch (disaster) {
    case 'alone':
    case 'deleted':
      await rm(data, { recursive: true });
      await restore(backup, data);
      return;
    case 'damaged':
      for (let flips = chance.integer(1, flipsMax); flips > 0; flips--)
        await applyFlip(data, await randomFlip(data, chance));
      if (chance.oneIn(2)) await cutOff(join(data, 'db'), chance);
      await restore(backup, data);
      return;
    case 'rolled-back':
      await rollBack(data, backup, chance.oneIn(2));
  }
}

/** Runs a command of `rejoin` on a data folder. @throws Error that says what it said, if it ends badly. */
export async function run(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runRejoin(args, { cwd });
  if (code !== 0) throw new Error(`rejoin ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

async function restore(backup: string, data: string): Promise<void> {
  await run(['restore', backup, '--data', data, '--replace'], backup);
}

/** The marker stays the file that it is. @param isWitnessed whether what remembers how far the server was is still there. */
async function rollBack(data: string, backup: string, isWitnessed: boolean): Promise<void> {
  const database = join(data, 'db');
  for (const name of await readdir(database))
    if (name !== markerName) await rm(join(database, name), { recursive: true });
  const isOther = (path: string): boolean => !path.endsWith(markerName);
  await cp(join(backup, 'db'), database, { recursive: true, filter: isOther });
  if (!isWitnessed) await rm(join(data, 'witness'), { recursive: true });
}

/** The end of one file of the database is gone. */
async function cutOff(database: string, chance: Chance): Promise<void> {
  const names = (await readdir(database)).filter((name) => /\.(?:log|ldb)$/.test(name)).sort();
  const [first, ...others] = names;
  if (first === undefined) return;
  const path = join(database, chance.pick([first, ...others]));
  await truncate(path, Math.floor((await stat(path)).size * (chance.integer(0, 9) / 10)));
}
