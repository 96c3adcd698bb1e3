// Reads a file, or standard input, as text, and says in a sentence that names the file what is wrong with it. The
// commands that take a file call it.

import { open, type FileHandle } from 'node:fs/promises';
import { RejoinError, isSystemError, messageOf } from '../errors.ts';
import type { Progress } from './progress.ts';
import { standardStream } from './udt-format.ts';

/** A longer text than this is more than the engine can hold (2^29 characters). */
const fileBytesMax = 500 * 1024 * 1024;

/** The name of a file as messages have it. */
export function nameOfInput(file: string): string {
  return file === standardStream ? 'Standard input' : file;
}

/**
 * The whole text, without a byte order mark, as `understand` reads it.
 * @param understand throws RejoinErrors such as "is empty" or "line 3: …", to which the file's name is added.
 * @throws RejoinError `not-found`, `too-large`, `bad-request`: one sentence that names the file.
 */
export async function readFileAs<T>(
  file: string,
  progress: Progress,
  understand: (text: string) => T,
): Promise<T> {
  const name = nameOfInput(file);
  const bytes = await readBytes(file, name, progress.start(`Reading ${name}`));
  progress.start(`Understanding ${name}`);
  const text = decode(bytes, name);
  try {
    return understand(text);
  } catch (error) {
    if (!(error instanceof RejoinError)) throw error;
    const isAboutFile = /^[a-z]/.test(error.message);
    const message = isAboutFile
      ? error.message.replace(/^line /, 'is wrong in line ')
      : `is wrong: ${error.message}`;
    throw new RejoinError(error.code, `${name} ${message}`, { cause: error });
  }
}

async function readBytes(
  file: string,
  name: string,
  onProgress: (done: number, total: number) => void,
): Promise<Buffer> {
  if (file === standardStream) return collect(process.stdin, name, null, onProgress);
  let handle: FileHandle;
  try {
    handle = await open(file);
  } catch (error) {
    const isMissing = isSystemError(error, 'ENOENT');
    throw new RejoinError('not-found', isMissing ? `There is no file ${file}` : unreadable(name, error), {
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    if (size > fileBytesMax) throw tooLarge(name);
    return await collect(handle.createReadStream({ autoClose: false }), name, size, onProgress);
  } catch (error) {
    if (error instanceof RejoinError) throw error;
    throw new RejoinError('bad-request', unreadable(name, error), { cause: error });
  } finally {
    await handle.close();
  }
}

async function collect(
  stream: AsyncIterable<unknown>,
  name: string,
  size: number | null,
  onProgress: (done: number, total: number) => void,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of bytes gave something else');
    chunks.push(chunk);
    count += chunk.byteLength;
    if (count > fileBytesMax) throw tooLarge(name);
    if (size !== null) onProgress(count, size);
  }
  return Buffer.concat(chunks);
}

/** A byte order mark at the beginning is left out. */
function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RejoinError('bad-request', `${name} is not text in UTF-8: save it as UTF-8`, { cause });
  }
}

function tooLarge(name: string): RejoinError {
  return new RejoinError('too-large', `${name} is larger than ${fileBytesMax / 1024 / 1024} MB`);
}

function unreadable(name: string, error: unknown): string {
  return `${name} can't be read: ${messageOf(error)}`;
}
