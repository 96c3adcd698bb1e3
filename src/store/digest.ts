// Digests and checksums of what is stored: SHA-256, cut to the length that the format says (docs/format.md).
// LevelDB returns flipped bits without a word, so everything is verified when it is read.

import * as crypto from 'node:crypto';
import type { Json } from '../model/json.ts';
import { RejoinError } from '../errors.ts';

export const digestBytes = 16;
export const checksumBytes = 8;

/** The digest of an object's or an update's bytes. */
export function digestOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, digestBytes);
}

/**
 * The digest of bytes that came in chunks, as if they were in one.
 * @param breathe resolves when others have had their turn. It is awaited between chunks.
 */
export async function digestOfChunks(
  chunks: readonly Uint8Array[],
  breathe: () => Promise<void>,
): Promise<Uint8Array> {
  const hash = crypto.createHash('sha256');
  let bytes = 0;
  for (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes < breathBytes) continue;
    bytes = 0;
    await breathe();
  }
  return hash.digest().subarray(0, digestBytes);
}

/** So many are hashed in a few milliseconds. */
const breathBytes = 1024 * 1024;

/** Whether `start`, one unit per byte, is how the SHA-256 of the bytes begins: a digest or a checksum of them. */
export function isStartOfHash(start: string, bytes: Uint8Array): boolean {
  return sha256Text(bytes).startsWith(start);
}

export function checksumOf(...parts: Uint8Array[]): Uint8Array {
  const [first, ...rest] = parts;
  return sha256(first && rest.length === 0 ? first : Buffer.concat(parts)).subarray(0, checksumBytes);
}

/** Bytes as they are stored under `key`: a checksum over key and bytes, then the bytes. */
export function seal(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  // Every change brings several of these: they are made of few buffers.
  const sealed = Buffer.allocUnsafe(checksumBytes + bytes.length);
  sealed.write(sha256Text(joined(key, bytes)), 0, checksumBytes, 'latin1');
  sealed.set(bytes, checksumBytes);
  return sealed;
}

function joined(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return key;
  const both = Buffer.allocUnsafe(key.length + bytes.length);
  both.set(key);
  both.set(bytes, key.length);
  return both;
}

/** @throws RejoinError `damaged` if the bytes aren't what was sealed under this key. */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const bytes = sealed.subarray(checksumBytes);
  if (Buffer.compare(checksumOf(key, bytes), sealed.subarray(0, checksumBytes)) !== 0) {
    const name = JSON.stringify(Buffer.from(key).toString('latin1'));
    throw new RejoinError('damaged', `The stored value of key ${name} fails its checksum`);
  }
  return bytes;
}

export function sealJson(key: Uint8Array, value: Json): Uint8Array {
  return seal(key, Buffer.from(JSON.stringify(value), 'utf8'));
}

/** @throws RejoinError `damaged`, as `unseal`. */
export function unsealJson(key: Uint8Array, sealed: Uint8Array): unknown {
  return JSON.parse(Buffer.from(unseal(key, sealed)).toString('utf8'));
}

/** One call does it all where Node has it (20.12 and later): every row of a history is checked. */
const hashAtOnce = 'hash' in crypto ? crypto.hash : null;

function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(sha256Text(bytes), 'binary');
}

/** One unit per byte: the way over a string is the faster one. */
function sha256Text(bytes: Uint8Array): string {
  if (hashAtOnce) return hashAtOnce('sha256', bytes, 'binary');
  return crypto.createHash('sha256').update(bytes).digest('binary');
}
