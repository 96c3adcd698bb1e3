// A disk of 1 MiB that can be filled: a tmpfs with a ballast file on it. Mounting one takes root.

import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../../src/errors.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';

const run = promisify(execFile);

export const smallDiskBytes = 1024 * 1024;

export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Why none can be mounted here; null if one can. */
  static async whyNot(): Promise<string | null> {
    try {
      await (await SmallDisk.mount()).unmount();
      return null;
    } catch (error) {
      return `a tmpfs can't be mounted here: ${messageOf(error).split('\n').slice(-2).join(' ').trim()}`;
    }
  }

  static async mount(): Promise<SmallDisk> {
    const folder = await temporaryFolder();
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskBytes}`, 'tmpfs', folder]);
    } catch (error) {
      await removeFolder(folder);
      throw error;
    }
    return new SmallDisk(folder);
  }

  /** The folder for a server's data. */
  get data(): string {
    return join(this.folder, 'data');
  }

  /** Takes up a part of the disk. */
  async addBallast(bytes: number): Promise<void> {
    await writeFile(join(this.folder, 'ballast'), Buffer.alloc(bytes, 1));
  }

  /** Takes up all that is left. */
  async fill(): Promise<void> {
    await writeFile(join(this.folder, 'filling'), Buffer.alloc(smallDiskBytes, 1)).catch(() => undefined); // at its end
  }

  async removeBallast(): Promise<void> {
    await rm(join(this.folder, 'ballast'), { force: true });
    await rm(join(this.folder, 'filling'), { force: true });
  }

  /** Makes the disk so large that nothing fills it. */
  async enlarge(): Promise<void> {
    await run('mount', ['-o', `remount,size=${64 * smallDiskBytes}`, this.folder]);
  }

  async unmount(): Promise<void> {
    await run('umount', [this.folder]);
    await removeFolder(this.folder);
  }
}
