// Snapshots: a project's document as it was at a position of the log, cut into chunks. One counts from the moment when its
// header is durable, which is written last; chunks without one are left over from a crash.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { z } from 'zod';
import { RejoinError, hasCode } from '../errors.ts';
import { digestOf, seal, sealJson, unseal, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import { readSnapshotKey } from './read-key.ts';
import { firstOf, type Store, type Write } from './store.ts';

/** A chunk is as large as this, but for the last. */
export const chunkBytes = 256 * 1024;

export const snapshotHeaderShape = z.object({
  chunks: z.number(),
  /** Of all chunks together. */
  bytes: z.number(),
  /** When it was made, by this server's clock. Milliseconds since 1970. */
  madeMs: z.number(),
  /** The version vector at its position. */
  vector: z.array(z.tuple([z.number(), z.number()])),
  /** Digest of the Yjs state vector that its pieces make. */
  stateDigest: z.string(),
});

export interface Snapshot extends z.infer<typeof snapshotHeaderShape> {
  /** It covers the log up to here, inclusive. Some of what follows may be in it as well. */
  readonly position: number;
}

export type MadeSnapshot = Pick<Snapshot, 'madeMs' | 'vector' | 'stateDigest'>;

/** What is compared after loading: clocks per clientID, in one order. */
export function stateDigestOf(clocks: ReadonlyMap<number, number>): string {
  const text = JSON.stringify([...clocks].sort(([a], [b]) => a - b));
  return Buffer.from(digestOf(Buffer.from(text))).toString('hex');
}

/** Tells a snapshot from all that this server and others have made (REP-7): 16 bytes. */
export function nameOfSnapshot(serverId: number, snapshot: Snapshot): Uint8Array {
  const { position, chunks, bytes, madeMs, vector, stateDigest } = snapshot;
  const text = JSON.stringify([serverId, position, chunks, bytes, madeMs, vector, stateDigest]);
  return digestOf(Buffer.from(text));
}

/** The whole snapshots of a project, the newest first. One whose header is damaged is told by `onDamage`. */
export async function* findSnapshots(
  store: Store,
  keys: ProjectKeys,
  onDamage: (detail: string) => void,
): AsyncGenerator<Snapshot> {
  let below: number | null = null;
  for (;;) {
    const last = await firstOf(store, { ...keys.snapshotsBelow(below), reverse: true });
    if (!last) return;
    const { position, chunk } = readSnapshotKey(last.key);
    below = position;
    if (chunk !== null) continue;
    try {
      yield { position, ...snapshotHeaderShape.parse(unsealJson(last.key, last.value)) };
    } catch {
      onDamage(`the header of the snapshot at position ${position} is damaged`);
    }
  }
}

/** Reads all of a snapshot, as before what it stands for is given up. @throws RejoinError `damaged`, `unavailable`. */
export async function checkReadable(store: Store, keys: ProjectKeys, snapshot: Snapshot): Promise<void> {
  let bytes = 0;
  for await (const piece of readSnapshot(store, keys, snapshot)) bytes += piece.length;
  if (bytes > snapshot.bytes) throw new RejoinError('damaged', 'A snapshot has more than it should');
}

/** The newest of which every chunk can be read, or undefined. */
export async function newestWholeSnapshot(
  store: Store,
  keys: ProjectKeys,
  onDamage: (detail: string) => void,
): Promise<Snapshot | undefined> {
  for await (const snapshot of findSnapshots(store, keys, onDamage)) {
    try {
      await checkReadable(store, keys, snapshot);
      return snapshot;
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      onDamage(error.message);
    }
  }
  return undefined;
}

/**
 * The pieces that a snapshot was made of, in their order.
 * @throws RejoinError `damaged` if a chunk is missing or isn't what was written.
 */
export async function* readSnapshot(
  store: Store,
  keys: ProjectKeys,
  { position, chunks }: Snapshot,
): AsyncGenerator<Uint8Array> {
  let expected = 0;
  let rest: Uint8Array = new Uint8Array();
  for await (const page of store.scan({ ...keys.snapshot(position), limit: chunks })) {
    for (const { key, value } of page) {
      if (readSnapshotKey(key).chunk !== expected) throw missing(position, expected);
      expected++;
      rest = rest.length === 0 ? unseal(key, value) : Buffer.concat([rest, unseal(key, value)]);
      const decoder = decoding.createDecoder(rest);
      for (let piece = nextPiece(decoder); piece; piece = nextPiece(decoder)) yield piece;
      rest = rest.subarray(decoder.pos);
    }
  }
  if (expected < chunks) throw missing(position, expected);
  if (rest.length > 0)
    throw new RejoinError('damaged', `The snapshot at position ${position} ends too early`);
}

/** The next piece if all of it is here; else nothing is read. */
function nextPiece(decoder: decoding.Decoder): Uint8Array | undefined {
  const { arr, pos } = decoder;
  if (arr.length - pos < lengthBytes) return undefined;
  const length = new DataView(arr.buffer, arr.byteOffset + pos).getUint32(0);
  if (arr.length - pos < lengthBytes + length) return undefined;
  decoder.pos = pos + lengthBytes + length;
  return arr.subarray(pos + lengthBytes, decoder.pos);
}

/** Stores a snapshot chunk by chunk; what was stored counts for nothing until `finish`. */
export class SnapshotWriter {
  private encoder = encoding.createEncoder();
  private chunks = 0;
  private bytes = 0;

  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    private readonly position: number,
  ) {}

  async add(piece: Uint8Array): Promise<void> {
    const length = new Uint8Array(lengthBytes);
    new DataView(length.buffer).setUint32(0, piece.length);
    encoding.writeUint8Array(this.encoder, length);
    encoding.writeUint8Array(this.encoder, piece);
    if (encoding.length(this.encoder) >= chunkBytes) await this.writeChunks(chunkBytes);
  }

  /** Writes the rest, then what makes it whole. */
  async finish(made: MadeSnapshot): Promise<Snapshot> {
    const { snapshot, write } = await this.end(made);
    await this.store.write([write]);
    return snapshot;
  }

  /** Writes the rest. It counts once `write` is written, which makes it whole. */
  async end({ madeMs, vector, stateDigest }: MadeSnapshot): Promise<{ snapshot: Snapshot; write: Write }> {
    await this.writeChunks(1);
    const { chunks, bytes, position } = this;
    const header = { chunks, bytes, madeMs, vector, stateDigest };
    const key = this.keys.snapshotHeader(position);
    return { snapshot: { position, ...header }, write: { key, value: sealJson(key, header) } };
  }

  /** Writes full chunks, and what is left behind them if it has `bytesMin`. */
  private async writeChunks(bytesMin: number): Promise<void> {
    const bytes = encoding.toUint8Array(this.encoder);
    let from = 0;
    for (; bytes.length - from >= bytesMin; from += chunkBytes) {
      const key = this.keys.snapshotChunk(this.position, this.chunks);
      const chunk = bytes.subarray(from, from + chunkBytes);
      await this.store.write([{ key, value: seal(key, chunk) }]);
      this.chunks++;
      this.bytes += chunk.length;
    }
    this.encoder = encoding.createEncoder();
    if (from < bytes.length) encoding.writeUint8Array(this.encoder, bytes.slice(from));
  }
}

/**
 * Removes all that is stored of snapshots up to the newest of these positions, but those at them; in batches, since it may be
 * much. What is behind it somebody else is writing, or has.
 */
export async function removeSnapshots(
  store: Store,
  keys: ProjectKeys,
  kept: ReadonlySet<number>,
): Promise<void> {
  let below: number | null = kept.size > 0 ? Math.max(...kept) : null;
  for (;;) {
    const last = await firstOf(store, { ...keys.snapshotsBelow(below), reverse: true });
    if (!last) return;
    below = readSnapshotKey(last.key).position;
    if (!kept.has(below)) await removeSnapshot(store, keys, below);
  }
}

/** Removes all that is stored of the snapshot at a position. */
export async function removeSnapshot(store: Store, keys: ProjectKeys, position: number): Promise<void> {
  // The header goes first: without it, what is left never looks whole.
  await store.write([{ key: keys.snapshotHeader(position), value: null }]);
  for await (const page of store.scan(keys.snapshot(position))) {
    await store.write(page.map(({ key }) => ({ key, value: null })));
  }
}

const lengthBytes = 4;

function missing(position: number, chunk: number): RejoinError {
  return new RejoinError('damaged', `Chunk ${chunk} of the snapshot at position ${position} is missing`);
}
