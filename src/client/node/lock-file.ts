// Keeps a second process out of a folder. The lock names the process that has it, so that one who is refused knows whom
// to stop, and the lock of a process that was killed can be told from one in use.

import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RejoinError } from '../../errors.ts';

/** Two that find the lock of a dead process at once both put theirs in its place: the last one has it. */
const settledMs = 20;

export class LockFile {
  private constructor(
    private readonly path: string,
    private readonly text: string,
  ) {}

  /**
   * @param folder exists.
   * @param token tells this lock from all others.
   * @throws RejoinError `data-in-use` that names the process that has it.
   */
  static async take(folder: string, token: string): Promise<LockFile> {
    const path = join(folder, 'lock');
    const { pid } = process;
    const text = JSON.stringify({ pid, started: await startOf(pid), token });
    const ownPath = `${path}.${token}`;
    await writeFile(ownPath, text, { mode: 0o600 });
    try {
      if (await linked(ownPath, path)) return new LockFile(path, text);
      await refuseIfAlive(folder, path);
      await rename(ownPath, path);
      await sleep(settledMs);
      if ((await textOf(path)) === text) return new LockFile(path, text);
      throw await inUse(folder, path);
    } finally {
      await rm(ownPath, { force: true });
    }
  }

  async release(): Promise<void> {
    if ((await textOf(this.path)) === this.text) await rm(this.path, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

interface Holder {
  readonly pid: number;
  /** When the process started, as far as that can be known: process ids are used again. */
  readonly started: string;
}

async function refuseIfAlive(folder: string, path: string): Promise<void> {
  const holder = await holderOf(path);
  if (!holder || !isAlive(holder.pid)) return;
  if ((await startOf(holder.pid)) !== holder.started) return;
  throw await inUse(folder, path);
}

async function holderOf(path: string): Promise<Holder | null> {
  try {
    const held: unknown = JSON.parse((await textOf(path)) ?? 'null');
    if (typeof held !== 'object' || held === null || !('pid' in held) || !('started' in held)) return null;
    const { pid, started } = held;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : null;
  } catch {
    return null; // a lock that can't be read is nobody's
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Linux tells; elsewhere all processes are alike. */
async function startOf(pid: number): Promise<string> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may have spaces; the 20th field behind it is the time.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null; // there is none
  }
}

async function inUse(folder: string, path: string): Promise<RejoinError> {
  const holder = await holderOf(path);
  const who = holder ? `process ${holder.pid}` : 'another process';
  const message = `The folder ${folder} is in use by ${who}: stop it, or choose another folder`;
  return new RejoinError('data-in-use', message);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
