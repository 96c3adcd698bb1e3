// Random messages of replication, within the limits of the protocol.

import * as prng from 'lib0/prng';
import type { Head, Standing } from '../../src/model/standing.ts';
import type { VersionVector } from '../../src/model/version-vector.ts';
import { messageTypes } from '../../src/wire/replication/message-types.ts';
import type { ReplicationMessage, SnapshotMessage } from '../../src/wire/replication/messages.ts';

export function randomReplicationMessage(gen: prng.PRNG): ReplicationMessage {
  const type = prng.oneOf(gen, [...messageTypes]);
  switch (type) {
    case 'hello':
      return {
        type,
        protocol: 1,
        serverId: randomServerId(gen),
        instance: prng.uint8Array(gen, 16),
        capabilities: listOf(gen, 5, () => prng.word(gen, 1, 20)),
      };
    case 'refused':
      return {
        type,
        reason: prng.oneOf(gen, ['internal', 'malformed', 'protocol', 'twin', 'self', 'busy', 'stopping']),
        message: randomText(gen),
      };
    case 'ack':
      return { type, bytes: 1 + randomInteger(gen, 2 ** 30) };
    case 'catalogue':
      return {
        type,
        entries: listOf(gen, 30, () => ({ project: randomProject(gen), digest: prng.uint8Array(gen, 8) })),
        isLast: prng.bool(gen),
      };
    case 'standing':
      return { type, project: randomProject(gen), standing: randomStanding(gen) };
    case 'want':
      return {
        type,
        project: randomProject(gen),
        stream: randomNumber(gen),
        vector: randomVector(gen),
      };
    case 'resume':
      return {
        type,
        project: randomProject(gen),
        stream: randomNumber(gen),
        vector: randomVector(gen),
        kept: { name: prng.uint8Array(gen, 16), pieces: randomNumber(gen) - 1, vector: randomVector(gen) },
      };
    case 'groups':
      return {
        type,
        project: randomProject(gen),
        stream: randomNumber(gen),
        isUnfinished: prng.bool(gen),
        records: [randomRecord(gen), ...listOf(gen, 20, () => randomRecord(gen))],
      };
    case 'snapshot':
      return {
        type,
        project: randomProject(gen),
        stream: randomNumber(gen),
        isFirst: prng.bool(gen),
        isLast: prng.bool(gen),
        ...randomPart(gen),
      };
    case 'part':
      return {
        type,
        project: randomProject(gen),
        stream: randomNumber(gen),
        name: prng.uint8Array(gen, 16),
        isFirst: prng.bool(gen),
        isLast: prng.bool(gen),
        ...randomPart(gen),
      };
    case 'ended':
      return { type, project: randomProject(gen), stream: randomNumber(gen), reason: randomText(gen) };
    case 'fetch': {
      const first = randomNumber(gen);
      const last = Math.min(Number.MAX_SAFE_INTEGER, first + randomInteger(gen, 1000));
      return { type, project: randomProject(gen), serverId: randomServerId(gen), first, last };
    }
    case 'fetched':
      return {
        type,
        project: randomProject(gen),
        serverId: randomServerId(gen),
        records: listOf(gen, 20, () => randomRecord(gen)),
        isLast: prng.bool(gen),
      };
  }
}

function randomPart(gen: prng.PRNG): Pick<SnapshotMessage, 'covers' | 'piece' | 'records'> {
  return {
    covers: randomVector(gen),
    piece: prng.bool(gen) ? new Uint8Array() : randomRecord(gen),
    records: listOf(gen, 20, () => randomRecord(gen)),
  };
}

function randomVector(gen: prng.PRNG): VersionVector {
  return new Map(randomHeads(gen).map(({ serverId, seqno }) => [serverId, seqno]));
}

function randomStanding(gen: prng.PRNG): Standing {
  const lifecycle = randomInteger(gen, prng.bool(gen) ? 3 : 2 ** 31 - 1);
  return { lifecycle, deletedMs: randomInteger(gen, 2 ** 42), heads: randomHeads(gen) };
}

/** In the order of the server ids, each once. */
function randomHeads(gen: prng.PRNG): Head[] {
  const ids = new Set(listOf(gen, 20, () => randomServerId(gen)));
  return [...ids]
    .sort((a, b) => a - b)
    .map((serverId) => ({ serverId, seqno: randomNumber(gen), checksum: prng.uint8Array(gen, 8) }));
}

function randomServerId(gen: prng.PRNG): number {
  return 1 + randomInteger(gen, prng.bool(gen) ? 5 : 2 ** 48 - 2);
}

/** From 1 to 2^53 − 1; its size in bytes is as random as it is. */
export function randomNumber(gen: prng.PRNG): number {
  return Math.max(1, randomInteger(gen, 2 ** randomInteger(gen, 53) - 1));
}

function randomInteger(gen: prng.PRNG, max: number): number {
  return Math.floor(prng.real53(gen) * (max + 1));
}

function randomProject(gen: prng.PRNG): string {
  return prng.bool(gen)
    ? prng.word(gen, 1, 40)
    : prng.oneOf(gen, ['4711', 'Köln/Szene 3', '🎬', '\ufeffmark', 'a'.repeat(256)]);
}

function randomText(gen: prng.PRNG): string {
  return prng.oneOf(gen, ['', 'The disk is full', 'Größe: 3 €', '\ud83c\udfac', 'x'.repeat(1365)]);
}

function randomRecord(gen: prng.PRNG): Uint8Array {
  return prng.uint8Array(gen, prng.int32(gen, 1, prng.int32(gen, 0, 20) === 0 ? 5000 : 60));
}

function listOf<T>(gen: prng.PRNG, max: number, make: () => T): T[] {
  return Array.from({ length: prng.int32(gen, 0, max) }, make);
}
