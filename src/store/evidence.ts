// Keeps what a damaged database looked like before anything touches it: LevelDB rewrites its logs and deletes files when
// it opens. For whoever wants to find out what happened, or to get back what is lost.

import { copyFile, link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError, isSystemError, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { fileNames } from './level-files.ts';
import { makeFolders } from './make-folders.ts';

export class Evidence {
  private kept: string | null = null;

  /** @param parent the folder for all evidence, which is made when there is some. */
  constructor(
    private readonly parent: string,
    private readonly databaseFolder: string,
    private readonly environment: Environment,
  ) {}

  /** Where the evidence is, once it is kept. */
  get place(): string {
    return this.kept ?? this.parent;
  }

  /** Where something else that is put aside now can go. */
  pathFor(name: string): string {
    return join(this.parent, `${this.time()}-${name}`);
  }

  /**
   * Keeps the database as it is now; once, as it was the first time.
   * @throws RejoinError `data-unusable` if it can't be kept: then the database must be left alone.
   */
  async keep(): Promise<void> {
    if (this.kept !== null) return;
    try {
      const folder = await makeFolder(join(this.parent, this.time()));
      for (const name of await readdir(this.databaseFolder)) {
        if (name === 'LOCK') continue;
        await keepFile(join(this.databaseFolder, name), join(folder, name), fileNames.table.test(name));
      }
      this.kept = folder;
    } catch (cause) {
      const message = `The database ${this.databaseFolder} is damaged, and it can't be kept as it is now in ${this.parent}: ${messageOf(cause)}`;
      throw new RejoinError('data-unusable', message, { cause });
    }
  }

  private time(): string {
    return new Date(this.environment.now()).toISOString().replaceAll(':', '-');
  }
}

/** A new one, also when the clock stands still. */
async function makeFolder(path: string): Promise<string> {
  for (let count = 1; ; count++) {
    const numbered = count === 1 ? path : `${path}-${count}`;
    if (await makeFolders(numbered)) return numbered;
  }
}

async function keepFile(from: string, to: string, isTable: boolean): Promise<void> {
  try {
    // A table is never changed once it is written: a second name costs nothing.
    if (isTable) await link(from, to);
    else await copyFile(from, to);
  } catch (error) {
    if (isSystemError(error, 'EISDIR')) return; // LevelDB's folder of lost files
    if (isSystemError(error, 'EIO')) return; // nothing more can be kept of a file that can't be read
    if (!isTable) throw error;
    await copyFile(from, to); // a file system without links
  }
}
