// A file of JSON lines that is only appended to, each line with a checksum. What was appended together is one line, and
// the next is written when it is on disk: what a crash leaves unfinished is at most the last line, which is cut off.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, RejoinError } from '../../errors.ts';

interface Waiting {
  readonly json: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What is read of a file in one piece. */
const pieceBytes = 1024 * 1024;
const newline = 0x0a;
const digestDigits = 16;

export class LogFile {
  private waiting: Waiting[] = [];
  private last: Promise<unknown> = Promise.resolve();
  /** Set when it isn't known any more what is on disk. */
  private failure: RejoinError | null = null;

  private constructor(
    private readonly path: string,
    private file: FileHandle,
    /** Behind the last whole line. */
    private bytes: number,
  ) {}

  /**
   * Opens a file, and makes it if there is none.
   * @param onRecord is handed what was appended, in order.
   * @throws RejoinError `damaged` that names the line, `data-unusable`.
   */
  static async open(path: string, onRecord: (record: unknown) => void): Promise<LogFile> {
    const file = await orUnusable(path, () => open(path, constants.O_RDWR | constants.O_CREAT, 0o600));
    try {
      const bytes = await readLines(path, file, onRecord);
      await orUnusable(path, async () => {
        await file.truncate(bytes);
        await file.sync();
        await syncFolder(dirname(path));
      });
      return new LogFile(path, file, bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** How many bytes it has on disk. */
  get size(): number {
    return this.bytes;
  }

  /**
   * Appends a record. Resolves when it is on disk; records that wait together share one write.
   * @throws RejoinError `unavailable` if nothing was written, `outcome-unknown`.
   */
  append(record: unknown): Promise<void> {
    const json = JSON.stringify(record);
    return new Promise((resolve, reject) => {
      this.waiting.push({ json, resolve, reject });
      if (this.waiting.length === 1) void this.inTurn(() => this.writeWaiting());
    });
  }

  /** Reads all that was appended before. */
  read(onRecord: (record: unknown) => void): Promise<void> {
    return this.inTurn(async () => {
      await readLines(this.path, this.file, onRecord);
    });
  }

  /**
   * Puts records in the place of all that was appended before, to make the file shorter.
   * @param records say the same; called when it is the turn of this.
   * @returns whether that was possible; if not, what was there stays.
   */
  async replace(records: () => Iterable<unknown>): Promise<boolean> {
    try {
      await this.inTurn(() => this.rewrite(records()));
      return true;
    } catch {
      return false; // the disk may be full: nothing is lost by a file that is longer than need be
    }
  }

  /** Resolves when all is on disk. */
  async close(): Promise<void> {
    await this.inTurn(() => this.file.close());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined); // the caller hears of it
    return done;
  }

  private async writeWaiting(): Promise<void> {
    const together = this.waiting;
    this.waiting = [];
    try {
      await this.writeLine(printLine(together.map(({ json }) => json)));
      for (const { resolve } of together) resolve();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(messageOf(error));
      for (const { reject } of together) reject(failure);
    }
  }

  private async writeLine(line: Uint8Array): Promise<void> {
    if (this.failure) throw this.failure;
    let isWritten = false;
    try {
      await write(this.file, line, this.bytes);
      isWritten = true;
      await this.file.datasync();
      this.bytes += line.length;
    } catch (cause) {
      const message = `${this.path} can't be written: ${messageOf(cause)}`;
      // After a failed sync nobody knows what is on disk, and the next one would not tell.
      if (isWritten || !(await this.cutOff()))
        throw (this.failure = new RejoinError('outcome-unknown', message, { cause }));
      throw new RejoinError('unavailable', message, { cause });
    }
  }

  /** Takes off what was written of a line that didn't fit. */
  private async cutOff(): Promise<boolean> {
    try {
      await this.file.truncate(this.bytes);
      return true;
    } catch {
      return false; // the caller has the reason
    }
  }

  private async rewrite(records: Iterable<unknown>): Promise<void> {
    const file = await open(`${this.path}.new`, 'w+', 0o600);
    let bytes = 0;
    try {
      for (const record of records) bytes += await write(file, printLine([JSON.stringify(record)]), bytes);
      await file.sync();
      await rename(`${this.path}.new`, this.path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.file.close();
    this.file = file;
    this.bytes = bytes;
    await syncFolder(dirname(this.path));
  }
}

/** Makes what was done to the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A line: the beginning of the digest, a space, a JSON array of the records. */
function printLine(jsons: readonly string[]): Uint8Array {
  const text = Buffer.from(`[${jsons.join(',')}]`, 'utf8');
  return Buffer.concat([Buffer.from(`${digestOf(text)} `), text, Buffer.of(newline)]);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, digestDigits);
}

/** @returns how many bytes were written: all. */
async function write(file: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
  return bytes.length;
}

/** @returns the place behind the last whole line. */
async function readLines(
  path: string,
  file: FileHandle,
  onRecord: (record: unknown) => void,
): Promise<number> {
  const piece = Buffer.alloc(pieceBytes);
  let unfinished: Buffer[] = [];
  let goodBytes = 0;
  let line = 0;
  let torn: number | null = null;
  for (let at = 0; ;) {
    const { bytesRead } = await orUnusable(path, () => file.read(piece, 0, pieceBytes, at));
    if (bytesRead === 0) return goodBytes;
    at += bytesRead;
    let from = 0;
    for (let end = lineEnd(piece, from, bytesRead); end !== -1; end = lineEnd(piece, from, bytesRead)) {
      const bytes = Buffer.concat([...unfinished, piece.subarray(from, end)]);
      unfinished = [];
      from = end + 1;
      line++;
      const records = readLine(bytes);
      // Only the last line can have been cut off by a crash.
      if (torn !== null) throw damaged(path, torn);
      if (records) {
        for (const record of records) onRecord(record);
        goodBytes += bytes.length + 1;
      } else torn = line;
    }
    unfinished.push(Buffer.from(piece.subarray(from, bytesRead)));
    if (torn !== null && unfinished.some((part) => part.length > 0)) throw damaged(path, torn);
  }
}

function lineEnd(piece: Buffer, from: number, to: number): number {
  return piece.subarray(0, to).indexOf(newline, from);
}

function readLine(bytes: Buffer): readonly unknown[] | null {
  const json = bytes.subarray(digestDigits + 1);
  if (bytes.toString('latin1', 0, digestDigits + 1) !== `${digestOf(json)} `) return null;
  const records: unknown = JSON.parse(json.toString('utf8'));
  return Array.isArray(records) ? records : null;
}

function damaged(path: string, line: number): RejoinError {
  const message = `Line ${line} of ${path} is damaged, and more follows: restore the file, or move the folder away to begin anew`;
  return new RejoinError('damaged', message);
}

async function orUnusable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof RejoinError) throw cause;
    throw new RejoinError('data-unusable', `${path} can't be used: ${messageOf(cause)}`, { cause });
  }
}
