// Keeps a second process out of a folder. The lock names the process that has it, so that one who is refused knows whom
// to stop, and the lock of a process that was killed can be told from one in use.

import { createHash } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError, isSystemError } from '../../errors.ts';

/** What it was refused for may be gone at the next look. */
const looksMax = 3;

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
      for (let look = 0; look < looksMax; look++) {
        if (await linked(ownPath, path)) return new LockFile(path, text);
        const found = await textOf(path);
        if (found === null) continue;
        await refuseIfAlive(folder, found);
        if (await replaced(folder, path, found, ownPath)) return new LockFile(path, text);
      }
      throw inUse(folder, null);
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
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Puts a lock in the place of a dead one. Of many who find it, however slow they are, one may: who has the claim to it. A
 * claim is a lock too, which another takes over when the process that made it is dead.
 * @returns whether it did; else the dead one is gone.
 */
async function replaced(folder: string, path: string, dead: string, ownPath: string): Promise<boolean> {
  const claim = `${path}.${createHash('sha256').update(dead).digest('hex').slice(0, 16)}`;
  if (!(await linked(ownPath, claim))) {
    const claimed = await textOf(claim);
    if (claimed === null) return false;
    await refuseIfAlive(folder, claimed);
    if (!(await replaced(folder, claim, claimed, ownPath))) return false;
  }
  if ((await textOf(path)) === dead) {
    await rename(claim, path);
    return true;
  }
  await rm(claim, { force: true });
  return false;
}

interface Holder {
  readonly pid: number;
  /** When the process started, as far as that can be known: process ids are used again. */
  readonly started: string;
}

/** @param text of a lock. */
async function refuseIfAlive(folder: string, text: string): Promise<void> {
  const holder = holderOf(text);
  if (!holder || !isAlive(holder.pid)) return;
  if ((await startOf(holder.pid)) !== holder.started) return;
  throw inUse(folder, holder);
}

function holderOf(text: string): Holder | null {
  try {
    const held: unknown = JSON.parse(text);
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
    return isSystemError(error, 'EPERM');
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

function inUse(folder: string, holder: Holder | null): RejoinError {
  const who = holder ? `process ${holder.pid}` : 'another process';
  const message = `The folder ${folder} is in use by ${who}: stop it, or choose another folder`;
  return new RejoinError('data-in-use', message);
}
