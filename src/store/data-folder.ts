// The data folder: where the database lives, who has it, which life it is in. Opens all of it in the one safe order,
// and says in a sentence what is wrong when it can't.

import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RejoinError, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { sealJson, unsealJson } from './digest.ts';
import { formatKey } from './keys.ts';
import { LevelStore } from './level.ts';
import { readLife, takeNewLife, type Life } from './life.ts';
import { checkMarker, writeMarker } from './marker.ts';
import { firstOf, type Store } from './store.ts';

/** The format that this release writes. It reads this one; a newer one is refused. */
export const dataFormat = 1;

export interface DataFolder {
  readonly store: Store;
  readonly life: Life;
  /** What the operator should know: one sentence each. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

export interface DataFolderOptions {
  readonly environment: Environment;
  /** The server id for a new folder, instead of a random one. */
  readonly serverId?: number | undefined;
}

/**
 * Opens the data folder, and makes it if there is none.
 * @throws RejoinError `data-in-use`, `data-unusable`, `data-newer`, `damaged`.
 */
export async function openDataFolder(folder: string, options: DataFolderOptions): Promise<DataFolder> {
  const databaseFolder = join(folder, 'db');
  try {
    await mkdir(databaseFolder, { recursive: true });
  } catch (cause) {
    throw new RejoinError('data-unusable', `The data folder ${folder} can't be made: ${messageOf(cause)}`, {
      cause,
    });
  }
  const store = await openDatabase(folder, databaseFolder);
  try {
    const pidFile = join(folder, pidFileName);
    await writePidFile(pidFile, options.environment);
    const { life, warnings } = await openLife(store, databaseFolder, options);
    const close = async (): Promise<void> => {
      await store.close();
      await rm(pidFile, { force: true });
    };
    return { store, life, warnings, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openDatabase(folder: string, databaseFolder: string): Promise<LevelStore> {
  try {
    return await LevelStore.open(databaseFolder);
  } catch (error) {
    if (!(error instanceof RejoinError) || error.code !== 'data-in-use') throw error;
    const holder = await readPidFile(join(folder, pidFileName));
    const who = holder ? `process ${holder.pid}, started ${holder.started}` : 'another process';
    const message = `The data folder ${folder} is in use by ${who}: stop it, or choose another folder with --data`;
    throw new RejoinError('data-in-use', message, { cause: error });
  }
}

async function openLife(
  store: Store,
  databaseFolder: string,
  { environment, serverId }: DataFolderOptions,
): Promise<{ life: Life; warnings: string[] }> {
  const warnings: string[] = [];
  const isNew = await checkFormat(store, databaseFolder);
  let life = isNew ? undefined : await readLife(store);
  if (isNew) {
    const more = [{ key: formatKey, value: sealJson(formatKey, dataFormat) }];
    life = await takeNewLife(store, environment, 'a new folder', { serverId, more });
    await writeMarker(databaseFolder, life);
  } else if (!life) {
    throw new RejoinError('damaged', `The database ${databaseFolder} has lost its server id`);
  }

  const { copied, warning } = await checkMarker(databaseFolder, life);
  if (warning !== null) warnings.push(warning);
  if (copied !== null) {
    const before = life.serverId;
    life = await takeNewLife(store, environment, copied);
    await writeMarker(databaseFolder, life);
    warnings.push(
      `The data folder was copied or restored (${copied}): it takes the new server id ${life.serverId} instead of ${before}`,
    );
  }
  if (serverId !== undefined && serverId !== life.serverId) {
    warnings.push(
      `--server-id ${serverId} is ignored: the folder already has server id ${life.serverId}, for life`,
    );
  }
  return { life, warnings };
}

/** Whether the database is new. */
async function checkFormat(store: Store, databaseFolder: string): Promise<boolean> {
  const sealed = await store.get(formatKey);
  if (!sealed) {
    const everything = { from: Buffer.from([0]), before: Buffer.from([0xff]) };
    if ((await firstOf(store, everything)) === undefined) return true;
    throw new RejoinError('data-unusable', `The database ${databaseFolder} was not made by rejoin`);
  }
  const format = unsealJson(formatKey, sealed);
  if (typeof format !== 'number')
    throw new RejoinError('damaged', 'The format version of the database is damaged');
  if (format > dataFormat) {
    throw new RejoinError(
      'data-newer',
      `The database ${databaseFolder} has format ${format}, this release reads up to ${dataFormat}: use a newer rejoin`,
    );
  }
  return false;
}

const pidFileName = 'rejoin.pid';
const pidFileShape = z.object({ pid: z.number(), started: z.string() });

async function writePidFile(path: string, environment: Environment): Promise<void> {
  const file = await open(path, 'w');
  try {
    const started = new Date(environment.now()).toISOString();
    await file.writeFile(JSON.stringify({ pid: process.pid, started }) + '\n');
  } finally {
    await file.close();
  }
}

async function readPidFile(path: string): Promise<z.infer<typeof pidFileShape> | undefined> {
  try {
    return pidFileShape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined; // it only serves to name the holder
  }
}
