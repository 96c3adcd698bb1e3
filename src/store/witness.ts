// The witness of the heads: how far each project was known to be durable, kept apart from the log and synced on its own.
// A log that ends before what the witness has seen has lost something, whatever its file says. It is written behind the
// log, never before an acknowledgement, and only detects: without it, or with a damaged one, the server works.

import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RejoinError, hasCode, messageOf } from '../errors.ts';
import { sealJson, unsealJson } from './digest.ts';
import { listProjectIds } from './project-info.ts';
import { projectKey } from './store-keys.ts';
import { LevelStore } from './level.ts';
import type { HeadsWitness, WitnessedHeads } from './witnessed-heads.ts';

const headsShape = z.object({
  position: z.number(),
  serverId: z.number(),
  seqno: z.number(),
});

export interface WitnessOptions {
  /** Is told, in a sentence, when the witness can't be read or written: once, until it works again. */
  readonly onTrouble?: ((detail: string) => void) | undefined;
  /** Names the folder that an unusable witness is moved to. */
  readonly asideFolder: string;
}

/** What is noted is on disk after about this long. */
const flushMs = 1_000;

/** The witness is small and read rarely: once a project and start. */
const storeOptions = { cacheSize: 256 * 1024, writeBufferSize: 512 * 1024 } as const;

export class Witness implements HeadsWitness {
  /** Noted, and not yet known to be on disk: at most one each of the projects in use. */
  private readonly noted = new Map<string, WitnessedHeads>();
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> | null = null;
  private isClosed = false;
  private isInTrouble = false;
  private hasFailed = false;

  private constructor(
    private readonly store: LevelStore,
    private readonly onTrouble: (detail: string) => void,
  ) {}

  /**
   * Opens the witness in `folder`, which is made if there is none. One that can't be opened is moved aside.
   * @returns it, and what the operator should know.
   * @throws RejoinError `data-in-use`; `data-unusable` if there is no way to have a new one.
   */
  static async open(
    folder: string,
    { onTrouble = (): void => undefined, asideFolder }: WitnessOptions,
  ): Promise<{ witness: Witness; warning: string | null }> {
    try {
      return { witness: new Witness(await openStore(folder), onTrouble), warning: null };
    } catch (error) {
      if (hasCode(error, 'data-in-use')) throw error;
      const problem = messageOf(error);
      const warning = `The witness of the heads was unusable (${problem}) and is begun anew: a log that lost its end before this start may not be noticed. The old one is in ${asideFolder}`;
      try {
        await mkdir(dirname(asideFolder), { recursive: true });
        await rename(folder, asideFolder);
        return { witness: new Witness(await openStore(folder), onTrouble), warning };
      } catch (cause) {
        const message = `The witness of the heads in ${folder} can't be opened (${problem}), nor moved to ${asideFolder} (${messageOf(cause)}): check that all of the data folder belongs to the user that runs rejoin, and that there is room on its disk`;
        throw new RejoinError('data-unusable', message, { cause });
      }
    }
  }

  /** What was witnessed of a project, or undefined. */
  async heads(project: string): Promise<WitnessedHeads | undefined> {
    const noted = this.noted.get(project);
    if (noted) return noted;
    const key = projectKey(project);
    try {
      const sealed = await this.store.get(key);
      return sealed && headsShape.parse(unsealJson(key, sealed));
    } catch (error) {
      this.report(
        `What was witnessed of project ${JSON.stringify(project)} can't be read: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  /** The projects that anything is known of, but for what was noted in the last second. */
  async *projects(): AsyncGenerator<string> {
    try {
      yield* listProjectIds(this.store);
    } catch (error) {
      this.report(`What was witnessed can't be read: ${messageOf(error)}`);
    }
  }

  /** These heads are durable in the log: the witness writes them down within about a second. Never throws. */
  note(project: string, heads: WitnessedHeads): void {
    if (this.isClosed) return;
    this.noted.set(project, heads);
    this.startTimer();
  }

  /** Resolves when all that was noted before is on disk, or could not be written and is tried again later. */
  async flush(): Promise<void> {
    while (this.flushing) await this.flushing;
    this.flushing = this.writeNoted();
    await this.flushing;
    this.flushing = null;
  }

  async close(): Promise<void> {
    await this.flush();
    this.isClosed = true;
    this.stopTimer();
    try {
      await this.store.close();
    } catch (error) {
      this.report(`The witness of the heads can't be closed: ${messageOf(error)}`);
    }
  }

  private async writeNoted(): Promise<void> {
    this.stopTimer();
    const batch = [...this.noted];
    try {
      if (batch.length === 0) return;
      if (this.hasFailed) await this.store.reopen();
      this.hasFailed = false;
      await this.store.write(
        batch.map(([project, heads]) => {
          const key = projectKey(project);
          return { key, value: sealJson(key, { ...heads }) };
        }),
      );
      for (const [project, heads] of batch) {
        if (this.noted.get(project) === heads) this.noted.delete(project);
      }
      this.isInTrouble = false;
    } catch (error) {
      this.hasFailed = true;
      this.report(`The witness of the heads can't be written: ${messageOf(error)}`);
    }
    if (this.noted.size > 0) this.startTimer();
  }

  private startTimer(): void {
    if (this.isClosed) return;
    this.timer ??= setTimeout(() => void this.flush(), flushMs).unref();
  }

  private stopTimer(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private report(detail: string): void {
    if (this.isInTrouble) return;
    this.isInTrouble = true;
    this.onTrouble(detail);
  }
}

async function openStore(folder: string): Promise<LevelStore> {
  await mkdir(folder, { recursive: true });
  return LevelStore.open(folder, storeOptions);
}
