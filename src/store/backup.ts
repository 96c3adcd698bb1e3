// A backup: the database as it was at one moment, copied into a new one, while the server goes on. It has no marker, so
// whoever opens it takes a new server id (REP-8). The operations of the core call it.

import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError, hasCode, isStoreFailure, messageOf } from '../errors.ts';
import { checkEntry, nameOfEntry } from './check-entry.ts';
import { diskProblem } from './disk-error.ts';
import { readContents, type FolderContents } from './folder-contents.ts';
import { makeFolders } from './make-folders.ts';
import { readKey } from './read-key.ts';
import { allKeys } from './store-keys.ts';
import { LevelStore } from './level.ts';
import { syncFolder } from './marker.ts';
import { finishPurges } from './purge.ts';
import { scanWithProgress, type OnProgress } from './scan-with-progress.ts';
import type { Entry, Store } from './store.ts';
import { removeUnfinishedSessions } from './unfinished-sessions.ts';

export interface BackupOptions {
  readonly onProgress?: OnProgress | undefined;
  /** Is told in a sentence of each entry that is damaged. It is copied as it is. */
  readonly onDamage: (detail: string) => void;
  /** Gives up, and leaves nothing. */
  readonly stopping: AbortSignal;
}

export interface BackupReport extends FolderContents {
  readonly damaged: number;
}

/**
 * Copies what is in the store now into `<folder>/db`, which is there only when all of it is on disk.
 * @param folder is made if there is none.
 * @throws RejoinError `conflict` if it isn't empty; `data-unusable` if it can't be written; `unavailable` if the store failed meanwhile.
 */
export async function backUp(store: Store, folder: string, options: BackupOptions): Promise<BackupReport> {
  const isNew = await makeEmptyFolder(folder);
  const draft = join(folder, draftName);
  try {
    await mkdir(draft);
    const report = await copyInto(store, draft, options);
    await rename(draft, join(folder, 'db'));
    await syncFolder(folder);
    return report;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (isNew) await rmdir(folder);
    if (error instanceof RejoinError) throw error;
    options.stopping.throwIfAborted();
    const cause = error instanceof TargetFailure ? firstCauseOf(error) : error;
    throw new RejoinError(
      'data-unusable',
      `The backup in ${folder} can't be written: ${diskProblem(cause)}`,
      {
        cause,
      },
    );
  }
}

/** What a backup is called while it is made: nobody takes that for a database. */
const draftName = 'db.partial';

async function copyInto(store: Store, folder: string, options: BackupOptions): Promise<BackupReport> {
  const { onProgress, onDamage, stopping } = options;
  const target = await ofTarget(LevelStore.open(folder));
  try {
    let damaged = 0;
    const inFlight: Promise<void>[] = [];
    // One scan shows one moment.
    for await (const page of scanWithProgress(store, allKeys, onProgress)) {
      stopping.throwIfAborted();
      for (const entry of page) {
        const problem = problemOf(entry);
        if (problem === null) continue;
        damaged++;
        onDamage(`${nameOfEntry(entry.key)}: ${problem}`);
      }
      const written = ofTarget(target.write(page));
      written.catch(() => undefined); // it is waited for
      inFlight.push(written);
      if (inFlight.length >= writesInFlightMax) await inFlight.shift();
    }
    await Promise.all(inFlight);
    await ofTarget(removeUnfinishedSessions(target));
    await ofTarget(finishPurges(target));
    return { ...(await ofTarget(readContents(target))), damaged };
  } finally {
    await ofTarget(target.close());
  }
}

/** The database that is written failed: in its own words, one would take it for the one that is copied. */
class TargetFailure extends Error {}

async function ofTarget<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (isStoreFailure(cause) || hasCode(cause, 'data-unusable'))
      throw new TargetFailure(cause.message, { cause });
    throw cause;
  }
}

/** What the disk said, before it was put in words that are about a store. */
function firstCauseOf(error: Error): Error {
  return error.cause instanceof Error ? firstCauseOf(error.cause) : error;
}

/** They share an fsync. */
const writesInFlightMax = 8;

function problemOf(entry: Entry): string | null {
  try {
    checkEntry(entry, readKey(entry.key));
    return null;
  } catch (error) {
    if (hasCode(error, 'damaged')) return error.message;
    throw error;
  }
}

/** @returns whether there was none. */
async function makeEmptyFolder(folder: string): Promise<boolean> {
  let names: string[];
  try {
    if (await makeFolders(folder)) return true;
    names = await readdir(folder);
  } catch (cause) {
    throw new RejoinError('data-unusable', `The folder ${folder} can't be made: ${messageOf(cause)}`, {
      cause,
    });
  }
  if (names.length === 0) return false;
  const left = names.includes(draftName) ? `: ${draftName} was left there by a backup that was cut off` : '';
  throw new RejoinError(
    'conflict',
    `The folder ${folder} is not empty${left}: name another one, or empty it`,
  );
}
