// Reads a file in LevelDB's log format (its write-ahead logs and its MANIFEST) and tells whether it is whole, torn or spoiled
// at its end, or damaged. LevelDB itself drops what it can't read in a log without a word, and opens the rest.

import { open, type FileHandle } from 'node:fs/promises';
import { maskedCrc32c } from './crc32c.ts';

// What can be there, by LevelDB 1.20 as leveldown has it (db/log_writer.cc, util/env_posix.cc): a record is written as
// fragments that don't cross blocks of 32 KiB; each goes to the kernel when it is complete; nothing is preallocated or
// mapped; after a restart a log is never continued, but replaced. Every batch of ours is synced before the next is
// written, so at any time all but the last record of the newest log is on disk.
//
// - After kill -9 the file is cut off somewhere in its last record.
// - After a power cut anything may be in place of the last record's pages, also zeros, also some pages of it and others
//   not: fragments of that record may be whole behind a gap. No other record begins behind it.
//
// So what can't be read is *damage* if a record begins behind it, at any byte. Of the last record a crash leaves out bytes at the
// end of the file, or whole sectors, which then are zeros: if some of it is missing like that it is *torn*. If all of it is
// there and can't be read, no crash has made it so: it is *spoiled*, and may have been acknowledged.

export type LogState =
  | { readonly type: 'whole' }
  /** From byte `at` on, `bytes` bytes hold no whole record. */
  | { readonly type: 'torn'; readonly at: number; readonly bytes: number }
  /** As torn, but nothing of the record is missing. */
  | { readonly type: 'spoiled'; readonly at: number; readonly bytes: number; readonly problem: string }
  | { readonly type: 'damaged'; readonly at: number; readonly problem: string };

export interface LogReading {
  readonly state: LogState;
  /** Whole records before what is torn or damaged. */
  readonly records: number;
}

/** @param onRecord gets every whole record, up to the first that is not. */
export async function readLevelLog(
  path: string,
  onRecord: ((record: Uint8Array) => void) | null = null,
): Promise<LogReading> {
  const file = await open(path, 'r');
  try {
    const reader = new LogReader(onRecord);
    const chunk = Buffer.allocUnsafe(chunkBytes);
    // A chunk at a time: the event loop goes on between them.
    let at = 0;
    for (let length = chunkBytes; length === chunkBytes && !reader.isDamaged; at += length) {
      length = await readFully(file, chunk, at);
      for (let from = 0; from < length; from += blockBytes)
        reader.readBlock(chunk.subarray(from, Math.min(from + blockBytes, length)), at + from);
    }
    const reading = reader.end(at);
    const isTorn = reading.state.type === 'spoiled' && (await hasEmptySector(file, reading.state.at));
    return isTorn ? { ...reading, state: { ...reading.state, type: 'torn' } } : reading;
  } finally {
    await file.close();
  }
}

const blockBytes = 32 * 1024;
const chunkBytes = 16 * blockBytes;
const headerBytes = 7;
/** The smallest that a disk writes. */
const sectorBytes = 512;
const types = { full: 1, first: 2, middle: 3, last: 4 } as const;

class LogReader {
  private records = 0;
  /** Where the record begins whose fragments are being read, and what there is of it. */
  private begun: { readonly at: number; readonly parts: Uint8Array[] } | null = null;
  /** The first thing that can't be read. */
  private bad: (Unreadable & { readonly at: number }) | null = null;
  private damage: { readonly at: number; readonly problem: string } | null = null;

  constructor(private readonly onRecord: ((record: Uint8Array) => void) | null) {}

  get isDamaged(): boolean {
    return this.damage !== null;
  }

  end(size: number): LogReading {
    const { records } = this;
    if (this.damage) return { records, state: { type: 'damaged', ...this.damage } };
    const at = this.bad?.at ?? this.begun?.at;
    if (at === undefined) return { records, state: { type: 'whole' } };
    const place = { at, bytes: size - at };
    if (!this.bad || this.bad.isCutOff) return { records, state: { type: 'torn', ...place } };
    return { records, state: { type: 'spoiled', ...place, problem: this.bad.problem } };
  }

  readBlock(block: Buffer, base: number): void {
    if (this.isDamaged) return;
    let at = 0;
    while (this.bad === null) {
      if (blockBytes - at < headerBytes || at === block.length) return; // LevelDB fills up the rest of a block
      const fragment = fragmentAt(block, at);
      if ('problem' in fragment) this.fail(base + at, fragment.isCutOff ? endOf(block, at) : fragment);
      else if (this.take(fragment, base + at)) at = fragment.end;
    }
    this.lookForBeginning(block, at);
  }

  /** @returns whether the fragment fits behind those before it. */
  private take({ type, payload }: Fragment, at: number): boolean {
    const isBeginning = type === types.full || type === types.first;
    if (isBeginning && this.begun) {
      this.fail(at, { problem: 'a record has no end', isCutOff: false }); // and here the next one begins
      return false;
    }
    if (!isBeginning && !this.begun) {
      this.fail(at, { problem: 'a record has no beginning', isCutOff: false });
      return false;
    }
    const { parts } = (this.begun ??= { at, parts: [] });
    if (this.onRecord) parts.push(Uint8Array.from(payload)); // the buffer is used again
    if (type === types.full || type === types.last) {
      this.records++;
      this.begun = null;
      this.onRecord?.(Buffer.concat(parts));
    }
    return true;
  }

  private fail(at: number, unreadable: Unreadable): void {
    this.bad = { ...unreadable, at: this.begun?.at ?? at };
  }

  /** Behind what can't be read: is there a record? Its length can't be trusted, so it may begin at any byte. */
  private lookForBeginning(block: Buffer, from: number): void {
    for (let at = from; at + headerBytes <= block.length; at++) {
      const type = block[at + 6];
      if (type !== types.full && type !== types.first) continue;
      if ('problem' in fragmentAt(block, at)) continue;
      this.damage = this.bad;
      return;
    }
  }
}

interface Fragment {
  readonly type: number;
  readonly payload: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

interface Unreadable {
  readonly problem: string;
  /** The file ends before the fragment does. */
  readonly isCutOff: boolean;
}

/** The fragment at an offset of a block, or what is wrong with it. */
function fragmentAt(block: Buffer, at: number): Fragment | Unreadable {
  if (at + headerBytes > block.length) return cutOff;
  const length = block.readUInt16LE(at + 4);
  const type = block.readUInt8(at + 6);
  const end = at + headerBytes + length;
  const unreadable = (problem: string): Unreadable => ({ problem, isCutOff: false });
  if (type === 0 && length === 0) return unreadable('there are zeros in place of a record');
  if (end > block.length) return cutOff;
  if (type < types.full || type > types.last) return unreadable(`a record has the unknown type ${type}`);
  if (maskedCrc32c(block, at + 6, end) !== block.readUInt32LE(at))
    return unreadable('a record fails its checksum');
  return { type, payload: block.subarray(at + headerBytes, end), end };
}

const cutOff: Unreadable = { problem: 'a record is cut off', isCutOff: true };

/** What seems cut off may have a wrong length: no fragment crosses the end of a block, and the checksum leaves the length out. */
function endOf(block: Buffer, at: number): Unreadable {
  if (at + headerBytes > block.length) return cutOff;
  const isLong = at + headerBytes + block.readUInt16LE(at + 4) > blockBytes;
  const isWhole = maskedCrc32c(block, at + 6) === block.readUInt32LE(at);
  return isLong || isWhole ? { problem: 'a record has a wrong length', isCutOff: false } : cutOff;
}

/** Whether from `from` to the end of the file the part in some sector is zeros: what a crash leaves where nothing was written. */
async function hasEmptySector(file: FileHandle, from: number): Promise<boolean> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let at = from - (from % sectorBytes);
  for (let length = chunkBytes; length === chunkBytes; at += length) {
    length = await readFully(file, chunk, at);
    for (let sector = 0; sector < length; sector += sectorBytes) {
      const part = chunk.subarray(Math.max(sector, from - at), Math.min(sector + sectorBytes, length));
      if (part.every((byte) => byte === 0)) return true;
    }
  }
  return false;
}

/** @returns how many bytes there were; fewer than asked for only at the end of the file. */
async function readFully(file: FileHandle, into: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const { bytesRead } = await file.read(into, length, into.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}
