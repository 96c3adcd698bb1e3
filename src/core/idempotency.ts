// Requests that their client names by a key, so that one that is sent again does nothing twice: what the first was
// answered is kept beside the version that it made, and goes with it.

import { setImmediate as otherWork } from 'node:timers/promises';
import { z } from 'zod';
import { RejoinError } from '../errors.ts';
import { digestOfChunks, sealJson, unsealJson } from '../store/digest.ts';
import type { ProjectKeys } from '../store/keys.ts';
import type { Store, Write } from '../store/store.ts';
import type { UdtHashes } from './udt-part.ts';
import type { VersionRecord } from './version-record.ts';

/** What names a request, and tells it from another one under the same name. */
export interface KeyedRequest {
  readonly key: string;
  readonly digest: string;
}

/** What a PATCH is answered with: the version that it made, and its hashes. */
export interface UdtAnswer extends UdtHashes {
  readonly version: number;
}

/** @param body as it was received, in chunks. */
export async function keyedRequest(key: string, body: readonly Uint8Array[]): Promise<KeyedRequest> {
  const digest = await digestOfChunks(body, otherWork);
  return { key, digest: Buffer.from(digest).toString('base64') };
}

/** What keeps an answer: it goes into the batch of the version. */
export function writeAnswer(keys: ProjectKeys, request: KeyedRequest, answer: UdtAnswer): Write {
  const key = keys.idempotency(request.key);
  const { version, hash, summaryHash } = answer;
  return { key, value: sealJson(key, { version, hash, summaryHash, digest: request.digest }) };
}

/** The version that a kept answer tells of; null if it is damaged. @param key under which it is stored. */
export function answeredVersion(key: Uint8Array, sealed: Uint8Array): number | null {
  try {
    return answerShape.parse(unsealJson(key, sealed)).version;
  } catch {
    return null; // one that can't be read answers nobody
  }
}

/** What deletes a version record, with the answer that is kept with it. @param key under which it is stored. */
export function deleteVersionRecord(keys: ProjectKeys, key: Uint8Array, record: VersionRecord): Write[] {
  const { idempotencyKey } = record;
  const writes: Write[] = [{ key, value: null }];
  if (idempotencyKey !== undefined) writes.push({ key: keys.idempotency(idempotencyKey), value: null });
  return writes;
}

interface InFlight {
  readonly request: KeyedRequest;
  readonly answer: UdtAnswer;
  readonly durable: Promise<void>;
}

/** The answers of one project to requests with a key. Its methods are called in the project's turn. */
export class KeyedAnswers {
  private readonly inFlight = new Map<string, InFlight>();

  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
  ) {}

  /**
   * What the request was answered with, or will be when it is durable; undefined for a new one.
   * @throws RejoinError `conflict` if another request had the key.
   */
  async find(request: KeyedRequest): Promise<{ state: UdtAnswer; durable: Promise<void> } | undefined> {
    const { key } = request;
    const first = this.inFlight.get(key);
    if (first) {
      checkSame(request, first.request.digest);
      return { state: first.answer, durable: first.durable };
    }
    const storedUnder = this.keys.idempotency(key);
    const sealed = await this.store.get(storedUnder);
    if (!sealed) return undefined;
    const kept = answerShape.safeParse(unsealJson(storedUnder, sealed));
    if (!kept.success) throw new RejoinError('damaged', 'The answer to a request with a key is damaged');
    const { digest, ...state } = kept.data;
    checkSame(request, digest);
    return { state, durable: Promise.resolve() };
  }

  /** A request is on its way to the disk. Until it is there, or has failed, others of its key wait for it. */
  follow(request: KeyedRequest, answer: UdtAnswer, durable: Promise<void>): void {
    const { key } = request;
    this.inFlight.set(key, { request, answer, durable });
    const end = (): void => void this.inFlight.delete(key);
    durable.then(end, end);
  }
}

const answerShape = z.object({
  version: z.number(),
  hash: z.number(),
  /** Older releases had none: their clients didn't ask for it. */
  summaryHash: z.number().default(0),
  digest: z.string(),
});

function checkSame({ key, digest }: KeyedRequest, digestOfFirst: string): void {
  if (digest === digestOfFirst) return;
  throw new RejoinError(
    'conflict',
    `The Idempotency-Key ${JSON.stringify(key)} was used for another body: use a new key for a new request`,
  );
}
