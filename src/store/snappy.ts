// Decompresses what LevelDB compressed with Snappy: the indexes of its tables, when they are checked.

import { ByteReader, Unreadable } from './byte-reader.ts';

/** @throws Unreadable if the bytes aren't Snappy's. */
export function decompressSnappy(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes);
  const length = reader.varint();
  if (length > decompressedBytesMax) throw new Unreadable('it is too large');
  const output = new Output(length);
  while (!reader.isAtEnd) {
    const tag = reader.byte();
    const high = tag >>> 2;
    switch (tag & 3) {
      case 0:
        output.literal(reader.take(1 + (high < 60 ? high : littleEndian(reader, high - 59))));
        break;
      case 1:
        output.copy(4 + (high & 7), (high >>> 3) * 256 + reader.byte());
        break;
      default:
        output.copy(1 + high, littleEndian(reader, (tag & 3) === 2 ? 2 : 4));
    }
  }
  return output.whole();
}

/** Far more than an index of ours: a broken length must not take all memory. */
const decompressedBytesMax = 256 * 1024 * 1024;

class Output {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  literal(part: Uint8Array): void {
    this.reserve(part.length);
    this.bytes.set(part, this.at);
    this.at += part.length;
  }

  /** What is copied may run into what the copy itself has written. */
  copy(length: number, distance: number): void {
    this.reserve(length);
    if (distance === 0 || distance > this.at) throw new Unreadable('a copy points outside');
    for (let i = 0; i < length; i++, this.at++) this.bytes[this.at] = this.bytes[this.at - distance] ?? 0;
  }

  whole(): Uint8Array {
    if (this.at !== this.bytes.length) throw new Unreadable('it ends too early');
    return this.bytes;
  }

  private reserve(length: number): void {
    if (this.at + length > this.bytes.length) throw new Unreadable('it is longer than it says');
  }
}

function littleEndian(reader: ByteReader, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value += reader.byte() * 256 ** i;
  return value;
}
