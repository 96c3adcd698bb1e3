// Checks the files of a LevelDB database before leveldown opens it: CURRENT, the MANIFEST it names, the logs, the
// tables. LevelDB takes a folder without CURRENT for a new one and deletes what is in it, drops the part of a log that
// it can't read, and deletes tables that its MANIFEST doesn't name; none of it is reported. Called by the data folder.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError, messageOf } from '../errors.ts';
import { readLevelLog, type LogState } from './level-log.ts';
import { readManifest, type Manifest } from './level-manifest.ts';
import { checkTable, type Block } from './level-table.ts';

export interface LevelFindings {
  /** There is no database yet. */
  readonly isNew: boolean;
  /** Logs that end in a write that a crash cut off. Nothing that was acknowledged is lost by that. */
  readonly torn: readonly { readonly file: string; readonly bytes: number }[];
  /** One sentence for each thing that is damaged. */
  readonly damage: readonly string[];
  readonly mending: Mending;
}

/** What has to be done to a damaged database, behind the evidence, so that LevelDB opens what is left of it. */
export interface Mending {
  /** The MANIFEST that CURRENT should name, if it doesn't. */
  readonly current: string | null;
  /** The list of tables must be made anew from the tables that are there. */
  readonly needsRepair: boolean;
  /** Logs are whole up to here. */
  readonly logsEnd: ReadonlyMap<string, number>;
  readonly unreadableTables: readonly string[];
  readonly badBlocks: ReadonlyMap<string, readonly Block[]>;
}

/** Up to here all tables are read at the start (a tenth of a second); beyond, only what decides where keys are found:
 *  three small reads a table, a second for 10 GB. The rest is left to the scrub. */
const tablesReadAtOpenBytesMax = 64 * 1024 * 1024;

/**
 * Nobody may have the database open.
 * @param wasStopped whether the server stopped in an orderly way: then no log can end in half a write.
 * @throws RejoinError `data-unusable` if the folder can't be read.
 */
export async function checkLevelFiles(folder: string, wasStopped: boolean): Promise<LevelFindings> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new RejoinError('data-unusable', `The database ${folder} can't be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  return new FilesCheck(folder, names, wasStopped).run();
}

/** Files of a database, by their names (db/filename.cc). */
export const fileNames = {
  current: 'CURRENT',
  manifest: /^MANIFEST-(\d+)$/,
  log: /^(\d+)\.log$/,
  table: /^(\d+)\.(?:ldb|sst)$/,
} as const;

/** Whether any of these files is one of a database's. */
export function isAnyOfDatabase(names: readonly string[]): boolean {
  const { current, manifest, log, table } = fileNames;
  return names.some((name) => name === current || [manifest, log, table].some((each) => each.test(name)));
}

class FilesCheck {
  private readonly torn: { file: string; bytes: number }[] = [];
  private readonly damage: string[] = [];
  private readonly logsEnd = new Map<string, number>();
  private readonly unreadableTables: string[] = [];
  private readonly badBlocks = new Map<string, readonly Block[]>();
  private current: string | null = null;
  private needsRepair = false;

  constructor(
    private readonly folder: string,
    private readonly names: readonly string[],
    private readonly wasStopped: boolean,
  ) {}

  async run(): Promise<LevelFindings> {
    const isNew = this.isNew();
    if (!isNew) {
      const manifest = await this.findManifest();
      await this.checkTables(manifest);
      await this.checkLogs(manifest);
    }
    const { torn, damage, current, needsRepair, logsEnd, unreadableTables, badBlocks } = this;
    return { isNew, torn, damage, mending: { current, needsRepair, logsEnd, unreadableTables, badBlocks } };
  }

  /** Nothing is there, or what a crash leaves of the making of a database: it has a log before anything is written. */
  private isNew(): boolean {
    if (this.names.includes(fileNames.current)) return false;
    const manifests = this.numbered(fileNames.manifest);
    const isBegun = [...manifests.keys()].every((number) => number === 1);
    return isBegun && this.numbered(fileNames.log).size === 0 && this.numbered(fileNames.table).size === 0;
  }

  // ---- CURRENT and MANIFEST

  /** The MANIFEST to go by, or undefined if there is none that describes what is here. */
  private async findManifest(): Promise<Manifest | undefined> {
    const named = await this.readCurrent();
    if (named !== undefined) {
      const { manifest, problem } = await this.tryManifest(named);
      if (problem === null) return manifest;
      this.damage.push(`${named}: ${problem}`);
      this.needsRepair = true;
      return undefined;
    }
    // CURRENT alone is damaged: the newest MANIFEST that describes what is here will do.
    const newestFirst = [...this.numbered(fileNames.manifest)].sort(([a], [b]) => b - a);
    for (const [, name] of newestFirst) {
      const { manifest, problem } = await this.tryManifest(name);
      if (problem !== null) continue;
      this.current = name;
      return manifest;
    }
    this.needsRepair = true;
    return undefined;
  }

  /** The name of a MANIFEST that is there, or undefined, which is damage. */
  private async readCurrent(): Promise<string | undefined> {
    let problem: string;
    try {
      const text = await readFile(join(this.folder, fileNames.current), 'latin1');
      const name = text.slice(0, -1);
      if (this.names.includes(name) && fileNames.manifest.test(name) && text.endsWith('\n')) return name;
      problem = 'it names no list of files that is there';
    } catch (error) {
      problem = `it can't be read: ${messageOf(error)}`;
    }
    this.damage.push(`${fileNames.current}: ${problem}`);
    return undefined;
  }

  private async tryManifest(
    name: string,
  ): Promise<{ manifest: Manifest | undefined; problem: string | null }> {
    try {
      const manifest = await readManifest(join(this.folder, name));
      return { manifest, problem: this.problemOf(manifest) };
    } catch (error) {
      return { manifest: undefined, problem: `it can't be read: ${messageOf(error)}` };
    }
  }

  /**
   * A MANIFEST may be torn: a crash cut off a change of the list of files, and then the change has not been made. Files
   * are deleted only behind the change that says so; if what the rest names is gone, the change was made, and lost. So
   * one that is spoiled at its end has lost nothing either, as long as all that the rest names is there.
   */
  private problemOf({ state, problem, logNumber, tables }: Manifest): string | null {
    if (state.type === 'damaged') return sentenceOf(state);
    if (problem !== null) return problem;
    if (logNumber !== 0 && !this.numbered(fileNames.log).has(logNumber))
      return `the log ${logNumber} that it names is not there`;
    const present = this.numbered(fileNames.table);
    const missing = [...tables.keys()].filter((number) => !present.has(number));
    return missing.length === 0 ? null : `${missing.length} tables that it names are not there`;
  }

  // ---- tables

  /** Without a MANIFEST a repair takes all tables that are there: then all of all of them must be right. */
  private async checkTables(manifest: Manifest | undefined): Promise<void> {
    const present = this.numbered(fileNames.table);
    const sizes = manifest ? [...manifest.tables.values()] : [];
    const withData = sizes.reduce((sum, bytes) => sum + bytes, 0) <= tablesReadAtOpenBytesMax;
    for (const [number, name] of present) {
      const bytes = manifest ? manifest.tables.get(number) : null;
      if (bytes !== undefined) await this.checkTable(name, bytes, withData);
    }
  }

  private async checkTable(name: string, bytes: number | null, withData: boolean): Promise<void> {
    const path = join(this.folder, name);
    try {
      const { size } = await stat(path);
      const { problems, isReadable, badBlocks } = await checkTable(path, { withData });
      const isWhole = bytes === null || size === bytes;
      const all = isWhole ? problems : [`it has ${size} bytes instead of ${bytes}`, ...problems];
      if (all.length === 0) return;
      this.damage.push(`${name}: ${all.join(', and ')}`);
      if (!isReadable) this.unreadableTables.push(name);
      if (badBlocks.length > 0) this.badBlocks.set(name, badBlocks);
    } catch (error) {
      this.damage.push(`${name}: it can't be read: ${messageOf(error)}`);
      this.unreadableTables.push(name);
    }
    this.needsRepair = true;
  }

  // ---- logs

  /**
   * Only the newest log that has anything in it can be torn: a newer one is begun for the first write behind it, or when
   * the database is opened, and then the older one is read and deleted, or the server dies before the first write.
   */
  private async checkLogs(manifest: Manifest | undefined): Promise<void> {
    const needed = (number: number): boolean =>
      !manifest || number >= manifest.logNumber || number === manifest.previousLogNumber;
    const newestFirst = [...this.numbered(fileNames.log)]
      .filter(([number]) => needed(number))
      .sort(([a], [b]) => b - a);
    let isNewest = true;
    for (const [, name] of newestFirst) {
      let records: number;
      try {
        const reading = await readLevelLog(join(this.folder, name));
        records = reading.records;
        this.judgeLog(name, reading.state, isNewest);
      } catch (error) {
        records = 1;
        this.damage.push(`${name}: it can't be read: ${messageOf(error)}`);
        this.needsRepair = true;
      }
      if (records > 0) isNewest = false;
    }
  }

  private judgeLog(name: string, state: LogState, isNewest: boolean): void {
    if (state.type === 'whole') return;
    this.logsEnd.set(name, state.at);
    if (state.type === 'damaged') {
      this.damage.push(`${name}: ${sentenceOf(state)}`);
    } else if (state.type === 'spoiled') {
      const { at, problem } = state;
      this.damage.push(`${name}: at byte ${at} ${problem}, and nothing of it is missing as behind a crash`);
    } else if (!isNewest) {
      this.damage.push(`${name}: its last ${state.bytes} bytes can't be read, and a newer log follows it`);
    } else if (this.wasStopped) {
      this.damage.push(
        `${name}: its last ${state.bytes} bytes can't be read, and the server was stopped in an orderly way`,
      );
    } else {
      this.torn.push({ file: name, bytes: state.bytes });
    }
  }

  /** Number → name of the files whose names fit. */
  private numbered(pattern: RegExp): Map<number, string> {
    return new Map(
      this.names.flatMap((name): [number, string][] => {
        const number = pattern.exec(name)?.[1];
        return number === undefined ? [] : [[Number(number), name]];
      }),
    );
  }
}

function sentenceOf({ at, problem }: { readonly at: number; readonly problem: string }): string {
  return `at byte ${at} ${problem}, and others follow it`;
}
