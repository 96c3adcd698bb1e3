// Checks a table of LevelDB's (`*.ldb`) by the CRC of its blocks. LevelDB has these checksums and doesn't look at them
// when it reads through leveldown: it returns what a damaged block holds, or takes a damaged filter's word for a key
// not being there.

import { open, type FileHandle } from 'node:fs/promises';
import { ByteReader, Unreadable } from './byte-reader.ts';
import { maskedCrc32c } from './crc32c.ts';
import { decompressSnappy } from './snappy.ts';

export interface TableFindings {
  /** What is wrong, one clause each. */
  readonly problems: readonly string[];
  /**
   * Whether the blocks of data can be found: false if the index is damaged in such a way that it leads astray.
   * Everything in such a table is lost, since LevelDB knows no other way to it.
   */
  readonly isReadable: boolean;
  /** The blocks of data that fail their checksums. */
  readonly badBlocks: readonly Block[];
}

/** A block of a table, without the five bytes behind it: how it is compressed, and its checksum. */
export interface Block {
  readonly at: number;
  readonly length: number;
}

export const blockTrailerBytes = 5;

/**
 * Checks footer, index and filter, which decide what is found in the table, and on demand all blocks of data.
 * @param pace is awaited after each block, with its bytes.
 */
export async function checkTable(
  path: string,
  { withData, pace }: { withData: boolean; pace?: (bytes: number) => Promise<void> },
): Promise<TableFindings> {
  const file = await open(path, 'r');
  try {
    return await new TableCheck(file, pace ?? yieldNow).run(withData);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { problems: [error.message], isReadable: false, badBlocks: [] };
  } finally {
    await file.close();
  }
}

/** table/format.h */
const footerBytes = 48;
const magic = 0xdb4775248b80fb57n;
const compression = { none: 0, snappy: 1 } as const;

class TableCheck {
  private readonly problems: string[] = [];

  constructor(
    private readonly file: FileHandle,
    private readonly pace: (bytes: number) => Promise<void>,
  ) {}

  async run(withData: boolean): Promise<TableFindings> {
    const { size } = await this.file.stat();
    const { meta, index } = await this.readFooter(size);
    const dataEnd = await this.checkFilter(meta);
    const indexBlock = await this.readBlock(index);
    const isIndexSound = indexBlock.isSound;
    if (!isIndexSound) this.problems.push('its index fails the checksum');
    const blocks = [...entriesOf(indexBlock)].map(blockOf);
    const badBlocks = withData || !isIndexSound ? await this.badBlocksOf(blocks) : [];
    if (!isIndexSound && !isGapless(blocks, dataEnd)) throw new Unreadable(this.problems.join(', and '));
    if (badBlocks.length > 0)
      this.problems.push(`${badBlocks.length} of its ${blocks.length} blocks fail their checksums`);
    return { problems: this.problems, isReadable: true, badBlocks };
  }

  private async readFooter(size: number): Promise<{ meta: Block; index: Block }> {
    if (size < footerBytes) throw new Unreadable('it is too short for a table');
    const footer = await this.read({ at: size - footerBytes, length: footerBytes });
    if (footer.readBigUInt64LE(footerBytes - 8) !== magic)
      throw new Unreadable('its end is not that of a table');
    const reader = new ByteReader(footer);
    const [meta, index] = [readHandle(reader), readHandle(reader)];
    // The footer has no checksum, but one place where it can be: the index ends where the footer begins.
    const isInPlace =
      index.at + index.length + blockTrailerBytes === size - footerBytes &&
      meta.at + meta.length + blockTrailerBytes === index.at;
    if (!isInPlace) throw new Unreadable('its end points to the wrong places');
    return { meta, index };
  }

  /** @returns where the blocks of data end, or null if that can't be said. */
  private async checkFilter(meta: Block): Promise<number | null> {
    const metaBlock = await this.readBlock(meta);
    const filters = metaBlock.isSound ? [...entriesOf(metaBlock)].map(blockOf) : [meta];
    if ((await this.badBlocksOf(filters)).length > 0) this.problems.push('its filter fails the checksum');
    return metaBlock.isSound ? (filters[0] ?? meta).at : null;
  }

  private async badBlocksOf(blocks: readonly Block[]): Promise<Block[]> {
    const bad: Block[] = [];
    for (const block of blocks) {
      if (!(await this.readBlock(block)).isSound) bad.push(block);
    }
    return bad;
  }

  private async readBlock(block: Block): Promise<ReadBlock> {
    const bytes = await this.read({ at: block.at, length: block.length + blockTrailerBytes });
    await this.pace(bytes.length);
    const isSound = maskedCrc32c(bytes, 0, block.length + 1) === bytes.readUInt32LE(block.length + 1);
    return { isSound, type: bytes.readUInt8(block.length), content: bytes.subarray(0, block.length) };
  }

  private async read({ at, length }: Block): Promise<Buffer> {
    if (length > blockBytesMax) throw new Unreadable('a block is too large');
    const bytes = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.file.read(bytes, 0, length, at);
    if (bytesRead < length) throw new Unreadable('a block lies behind its end');
    return bytes;
  }
}

interface ReadBlock {
  readonly isSound: boolean;
  readonly type: number;
  readonly content: Uint8Array;
}

/** Far more than any block of ours: a broken length must not take all memory. */
const blockBytesMax = 256 * 1024 * 1024;

/** The values of a block that maps keys to places: the index, or the list of filters (table/block_builder.cc). */
function* entriesOf({ type, content }: ReadBlock): Generator<Uint8Array> {
  const bytes = type === compression.snappy ? decompressSnappy(content) : content;
  if (type !== compression.none && type !== compression.snappy)
    throw new Unreadable('a block has an unknown type');
  if (bytes.length < 4) throw new Unreadable('a block is too short');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const restarts = view.readUInt32LE(bytes.length - 4);
  const end = bytes.length - 4 * (1 + restarts);
  // LevelDB begins to read at the first restart: it must be the beginning.
  if (end < 0 || restarts === 0 || view.readUInt32LE(end) !== 0)
    throw new Unreadable('a block is no list of entries');
  const reader = new ByteReader(bytes.subarray(0, end));
  while (!reader.isAtEnd) {
    reader.varint(); // how much of the key is that of the entry before
    const keyLength = reader.varint();
    const valueLength = reader.varint();
    reader.take(keyLength);
    yield reader.take(valueLength);
  }
}

function blockOf(value: Uint8Array): Block {
  return readHandle(new ByteReader(value));
}

function readHandle(reader: ByteReader): Block {
  return { at: reader.varint(), length: reader.varint() };
}

/** Blocks of data lie one behind the other from the beginning. */
function isGapless(blocks: readonly Block[], dataEnd: number | null): boolean {
  let end = 0;
  for (const { at, length } of blocks) {
    if (at !== end) return false;
    end = at + length + blockTrailerBytes;
  }
  return end === dataEnd;
}

function yieldNow(): Promise<void> {
  return Promise.resolve(); // reading has yielded
}
