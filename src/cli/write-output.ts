// Writes text to a file, or to standard output. A file is there as a whole or not at all. `export` calls it.

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RejoinError, isSystemError, messageOf } from '../errors.ts';
import { standardStream } from './udt-format.ts';

/** @throws RejoinError `unavailable`: one sentence that names the file. */
export async function writeOutput(file: string, pieces: Iterable<string>): Promise<void> {
  try {
    if (file === standardStream) await pipeline(Readable.from(pieces), process.stdout, { end: false });
    else if (await isPlainFile(file)) await replaceFile(file, pieces);
    else await withFile(file, 'w', pieces); // a pipe or a device
  } catch (error) {
    if (file === standardStream && isSystemError(error, 'EPIPE')) return; // `| head` has what it wants
    const where = file === standardStream ? 'Standard output' : file;
    throw new RejoinError('unavailable', `${where} can't be written: ${messageOf(error)}`, { cause: error });
  }
}

/** Whether it is an ordinary file, or none yet. */
async function isPlainFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return true;
  }
}

async function replaceFile(file: string, pieces: Iterable<string>): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.part`;
  const remove = (): void => rmSync(temporary, { force: true });
  const stop = (signal: NodeJS.Signals): void => {
    remove();
    process.kill(process.pid, signal); // the listeners are gone: it ends the process
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await withFile(temporary, 'wx', pieces, (handle) => handle.sync());
    await rename(temporary, file);
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function withFile(
  file: string,
  flags: 'w' | 'wx',
  pieces: Iterable<string>,
  finish: (handle: FileHandle) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const handle = await open(file, flags);
  try {
    for (const piece of pieces) await handle.appendFile(piece);
    await finish(handle);
  } finally {
    await handle.close();
  }
}
