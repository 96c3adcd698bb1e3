// Puts a backup, or any copy of a data folder, in place as a data folder of its own life (REP-8). It is copied, opened and mended
// beside the database first, and takes its place at the end: a restore that is cut off leaves what there was, or says so.

import { copyFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RejoinError, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { shellWord } from '../model/shell-word.ts';
import { openDataFolder } from './data-folder.ts';
import { readContents, type FolderContents } from './folder-contents.ts';
import { isThere } from './is-there.ts';
import { isAnyOfDatabase } from './level-files.ts';
import { LevelStore } from './level.ts';
import { makeFolders } from './make-folders.ts';
import { isMissing, markerName } from './marker.ts';
import { makeRoom, putInPlace, removeStaged, restoringFolder } from './replace-database.ts';

export interface RestoreOptions {
  readonly environment: Environment;
  /** Whether a database that is there makes room. It is kept. */
  readonly isReplacing: boolean;
  /** In bytes of files. */
  readonly onProgress: (done: number, total: number) => void;
}

export interface RestoreReport extends FolderContents {
  /** Under which it was written until then; null if that is lost. */
  readonly previousServerId: number | null;
  readonly serverId: number;
  /** Whether what was restored was damaged: changes may be missing. */
  readonly isDamaged: boolean;
  /** Where what was there before is kept; null if there was nothing. */
  readonly replaced: string | null;
  /** What the operator should know: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * @param from a folder with a `db`.
 * @throws RejoinError `not-found` if there is nothing to restore, `conflict` if there is a database already, `data-in-use`,
 *   `data-unusable`, `data-newer`. Then what there was is as it was.
 */
export async function restore(from: string, data: string, options: RestoreOptions): Promise<RestoreReport> {
  await checkSource(from, data);
  await checkTarget(data, options.isReplacing);
  const staged = join(data, restoringFolder);
  const wasCutOff = await isThere(staged);
  let isComplete = false;
  try {
    await removeStaged(staged, data);
    await copyAll(from, staged, options.onProgress);
    const report = await openOnce(staged, data, options.environment);
    isComplete = true; // and may be the only one from here on
    const replaced = await makeRoom(data, options.environment);
    await putInPlace(staged, data);
    return { ...report, replaced };
  } catch (error) {
    if (!isComplete) {
      await rm(staged, { recursive: true, force: true });
      if (wasCutOff) await mkdir(staged); // as the one before it still is
    }
    if (error instanceof RejoinError)
      throw new RejoinError(error.code, error.message.replaceAll(staged, from), { cause: error });
    const message = `${from} can't be restored into ${data}: ${messageOf(error)}`;
    throw new RejoinError('data-unusable', message, { cause: error });
  }
}

async function checkSource(from: string, data: string): Promise<void> {
  const database = join(from, 'db');
  if (!(await isThere(database)))
    throw new RejoinError(
      'not-found',
      `There is no backup in ${from}: it should have a folder db, as a backup and any data folder does`,
    );
  // Copied without them, it would be restored as an empty database.
  if (!isAnyOfDatabase((await namesIn(database)) ?? []))
    throw new RejoinError(
      'not-found',
      `There is no backup in ${from}: no file in ${database} is one of a database`,
    );
  if (resolve(from) === resolve(data))
    throw new RejoinError('conflict', `${from} can't be restored into itself: say with --data where to`);
  if (await LevelStore.isInUse(database))
    throw new RejoinError(
      'data-in-use',
      `${from} is in use: what a server has open can't be copied file by file; make a backup of it: rejoin backup FOLDER --data ${shellWord(from)}`,
    );
}

/** @returns null if there is no such folder. @throws RejoinError `data-unusable` if it can't be read. */
async function namesIn(folder: string): Promise<readonly string[] | null> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new RejoinError('data-unusable', `The folder ${folder} can't be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function checkTarget(data: string, isReplacing: boolean): Promise<void> {
  const database = join(data, 'db');
  const names = (await namesIn(database)) ?? [];
  if (names.every((name) => leftOut.has(name))) return;
  if (await LevelStore.isInUse(database))
    throw new RejoinError(
      'data-in-use',
      `The data folder ${data} is in use: stop the server that runs on it`,
    );
  if (!isReplacing)
    throw new RejoinError(
      'conflict',
      `The data folder ${data} holds a database already: --replace puts it aside, or name another folder with --data`,
    );
}

/** What says how the database was stopped, and how far it was, belongs to it; what ties it to a place does not. */
async function copyAll(from: string, to: string, onProgress: RestoreOptions['onProgress']): Promise<void> {
  await makeFolders(to);
  const files: { from: string; to: string; bytes: number }[] = [];
  for (const folder of ['db', 'witness']) {
    const names = await namesIn(join(from, folder));
    if (!names) continue;
    await mkdir(join(to, folder));
    for (const name of names) {
      const path = join(from, folder, name);
      const { size: bytes, isFile } = await statOf(path);
      if (isFile && !leftOut.has(name)) files.push({ from: path, to: join(to, folder, name), bytes });
    }
  }
  if (await isThere(join(from, 'rejoin.pid')))
    files.push({ from: join(from, 'rejoin.pid'), to: join(to, 'rejoin.pid'), bytes: 0 });
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const file of files) {
    await copyDurably(file.from, file.to);
    onProgress((done += file.bytes), total);
  }
}

const leftOut: ReadonlySet<string> = new Set(['LOCK', 'LOG', 'LOG.old', markerName]);

async function statOf(path: string): Promise<{ size: number; isFile: boolean }> {
  const found = await stat(path);
  return { size: found.size, isFile: found.isFile() };
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await file.chmod(0o644); // a backup may be kept where nobody can write
    await file.sync();
  } finally {
    await file.close();
  }
}

/** It takes its new life here, is mended if it has to be, and says what it holds. */
async function openOnce(
  staged: string,
  data: string,
  environment: Environment,
): Promise<Omit<RestoreReport, 'replaced'>> {
  const folder = await openDataFolder(staged, { environment, isRestored: true });
  try {
    const { previousServerId, isDamaged } = folder;
    // What they name is there in the end.
    const warnings = folder.warnings.map((text) => text.replaceAll(staged, data));
    const contents = await readContents(folder.store);
    return { ...contents, previousServerId, serverId: folder.life.serverId, isDamaged, warnings };
  } finally {
    await folder.close();
  }
}
