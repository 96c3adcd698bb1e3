// The pid file names the process that has the data folder. It is also what tells a crash from an orderly stop: it is
// there from before the first write until behind the last.

import { access, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { RejoinError, hasCode } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { syncFolder } from './marker.ts';

const pidFileShape = z.object({ pid: z.number(), started: z.string() });

export class PidFile {
  private readonly path: string;

  /** @param folder the data folder. */
  constructor(private readonly folder: string) {
    this.path = join(folder, 'rejoin.pid');
  }

  /** Whether there is one: then the server runs, or was not stopped in an orderly way. */
  isThere(): Promise<boolean> {
    return access(this.path).then(
      () => true,
      () => false,
    );
  }

  /** Resolves when it is on disk. */
  async write(environment: Environment): Promise<void> {
    const file = await open(this.path, 'w');
    try {
      const started = new Date(environment.now()).toISOString();
      await file.writeFile(JSON.stringify({ pid: process.pid, started }) + '\n');
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(this.path));
  }

  remove(): Promise<void> {
    return rm(this.path, { force: true });
  }

  /** The error for a folder that another process has, which it names. Any other error as it is. */
  async explain(error: unknown): Promise<unknown> {
    if (!hasCode(error, 'data-in-use')) return error;
    const holder = await this.read();
    const who = holder ? `process ${holder.pid}, started ${holder.started}` : 'another process';
    const message = `The data folder ${this.folder} is in use by ${who}: stop it, or choose another folder with --data`;
    return new RejoinError('data-in-use', message, { cause: error });
  }

  private async read(): Promise<z.infer<typeof pidFileShape> | undefined> {
    try {
      return pidFileShape.parse(JSON.parse(await readFile(this.path, 'utf8')));
    } catch {
      return undefined; // it only serves to name the holder
    }
  }
}
