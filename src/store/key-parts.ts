// What the keys of the store are made of (docs/format.md). Numbers are big-endian and of fixed width, so that the order of
// keys is the order of numbers; a name is escaped and ended by a zero byte, so that no name's keys lie among another's. All
// who make or read keys call this.

import { digestOf } from './digest.ts';

/** Numbers in keys are below 2^48. */
export const numberBytes = 6;
export const numberMax = 2 ** (8 * numberBytes) - 1;

export function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeUIntBE(value, 0, numberBytes);
  return bytes;
}

export function readNumber(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUIntBE(0, numberBytes);
}

/** For maps and sets of keys: one string for each. */
export function nameOfKey(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

const escapeByte = 1;

/** 0 → 1 1, 1 → 1 2, ended by 0. */
export function escaped(project: string): Buffer {
  return escapedBytes(Buffer.from(project, 'utf8'));
}

export function escapedBytes(value: Uint8Array): Buffer {
  let length = value.length + 1;
  for (const byte of value) if (byte <= escapeByte) length++;
  const bytes = Buffer.allocUnsafe(length);
  bytes[length - 1] = 0;
  if (length === value.length + 1) {
    bytes.set(value); // most names have no such bytes
    return bytes;
  }
  let at = 0;
  for (const byte of value) {
    if (byte <= escapeByte) bytes[at++] = escapeByte;
    bytes[at++] = byte <= escapeByte ? byte + 1 : byte;
  }
  return bytes;
}

/** @param key ends with the zero that ends an escaped id. */
export function readEscaped(key: Uint8Array): string {
  const bytes: number[] = [];
  for (let i = 0; i < key.length - 1; i++) {
    const byte = key[i] ?? 0;
    bytes.push(byte === escapeByte ? (key[++i] ?? 0) - 1 : byte);
  }
  return Buffer.from(bytes).toString('utf8');
}

/** A key is as long as this at most for what users have named; the digest stands for a longer name. */
const namedBytesMax = 512;

/** Who finds something under a digest compares the name. */
export function bounded(name: string): Uint8Array {
  const bytes = Buffer.from(name, 'utf8');
  return bytes.length > namedBytesMax ? digestOf(bytes) : bytes;
}

/** @param prefix ends with the zero that ends an escaped name. */
export function behindZero(prefix: Buffer): Buffer {
  const before = Buffer.from(prefix);
  before.writeUInt8(1, before.length - 1);
  return before;
}

/** The first key behind all that begin with this one, which ends with a letter. */
export function nextPrefix(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  next.writeUInt8(next.readUInt8(next.length - 1) + 1, next.length - 1);
  return next;
}
