// The data folder: where the database lives, who has it, which life it is in. Opens all of it in the one safe order,
// and says in a sentence what is wrong when it can't.

import { join } from 'node:path';
import { RejoinError, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { checkTables } from './check-tables.ts';
import { Evidence } from './evidence.ts';
import { takeNewLife, type Life } from './life.ts';
import { makeFolders } from './make-folders.ts';
import { writeMarker } from './marker.ts';
import { openDatabase } from './open-database.ts';
import { openLife } from './open-life.ts';
import { PidFile } from './pid-file.ts';
import { finishPurges } from './purge.ts';
import { checkRestore } from './replace-database.ts';
import { Scrub } from './scrub.ts';
import type { Store } from './store.ts';
import { removeUnfinishedSessions } from './unfinished-sessions.ts';
import { Witness } from './witness.ts';

export interface DataFolder {
  readonly store: Store;
  readonly life: Life;
  readonly witness: Witness;
  /** The server id that the database had when it was opened; null for a new one. */
  readonly previousServerId: number | null;
  /** Whether the database was damaged when it was opened, or before and not all was read since: something of any project may be lost. */
  readonly isDamaged: boolean;
  /** What the operator should know: one sentence each. */
  readonly warnings: readonly string[];
  /** Takes a new life while the server runs, after damage was found: nothing more may be written under the old one (REP-8). */
  takeLife(reason: string): Promise<Life>;
  /** Reads all tables of the database at once. @returns what is wrong with them, one clause each. */
  checkFiles(stopping: AbortSignal): Promise<string[]>;
  close(): Promise<void>;
}

export interface DataFolderOptions {
  readonly environment: Environment;
  /** The server id for a new folder, instead of a random one. */
  readonly serverId?: number | undefined;
  /** It was restored from a backup: it takes a new server id (REP-8), and nobody need be warned of that. */
  readonly isRestored?: boolean;
  /** Is told in a sentence what goes wrong in the background: a damaged table, a witness that can't be written. */
  readonly onTrouble?: ((detail: string) => void) | undefined;
}

/**
 * Opens the data folder, and makes it if there is none.
 * @throws RejoinError `data-in-use`, `data-unusable`, `data-newer`.
 */
export async function openDataFolder(folder: string, options: DataFolderOptions): Promise<DataFolder> {
  const { environment, serverId, isRestored = false, onTrouble = (): void => undefined } = options;
  const databaseFolder = join(folder, 'db');
  await checkRestore(folder);
  await makeFolder(databaseFolder);
  const evidence = new Evidence(join(folder, 'damaged'), databaseFolder, environment);
  const pidFile = new PidFile(folder);
  const endings: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  try {
    const wasStopped = !(await pidFile.isThere());
    // First, since its lock keeps other servers from the database while its files are checked and mended.
    const asideFolder = evidence.pathFor('witness');
    const { witness, warning } = await Witness.open(join(folder, 'witness'), { asideFolder, onTrouble });
    endings.push(() => witness.close());
    const { store, damage, warnings } = await openDatabase(databaseFolder, evidence, wasStopped);
    endings.push(() => store.close());
    await pidFile.write(environment);
    await removeUnfinishedSessions(store);
    const opened = await openLife(store, {
      databaseFolder,
      environment,
      serverId,
      isRestored,
      evidence,
      damage,
    });
    await finishPurges(store);
    // While the store is closed its last write may still be cut off: the pid file goes last.
    endings.unshift(() => pidFile.remove());
    const lives = new Lives(store, databaseFolder, environment);
    endings.push(() => lives.idle());
    const scrub = new Scrub(databaseFolder, { onDamage: onTrouble });
    endings.push(() => scrub.stop());
    return {
      store,
      life: opened.life,
      previousServerId: opened.previousServerId,
      isDamaged: opened.isDamaged,
      witness,
      warnings: [...(warning === null ? [] : [warning]), ...warnings, ...opened.warnings],
      takeLife: (reason) => lives.take(reason),
      checkFiles: (stopping) => checkFiles(databaseFolder, stopping),
      close,
    };
  } catch (error) {
    await close();
    throw await pidFile.explain(error);
  }
}

/** Takes one new life after the other. */
class Lives {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly databaseFolder: string,
    private readonly environment: Environment,
  ) {}

  take(reason: string): Promise<Life> {
    const taken = this.last.then(async () => {
      const life = await takeNewLife(this.store, this.environment, reason);
      await writeMarker(this.databaseFolder, life);
      return life;
    });
    this.last = taken.catch(() => undefined); // the caller hears of it
    return taken;
  }

  async idle(): Promise<void> {
    await this.last;
  }
}

async function checkFiles(databaseFolder: string, stopping: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  await checkTables(databaseFolder, {
    onDamage: (name, problem) => problems.push(`${name}: ${problem}`),
    pace: () => Promise.resolve(),
    stopping,
  });
  return problems;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (cause) {
    const message = `The data folder ${folder} can't be made: ${messageOf(cause)}`;
    throw new RejoinError('data-unusable', message, { cause });
  }
}
