// A version record: what made one version of a project's `udt` part, as it is stored beside the log (docs/format.md).

import { z } from 'zod';
import { RejoinError, hasCode } from '../errors.ts';
import type { Json } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Protocol } from '../model/origin.ts';
import { sealJson, unsealJson } from '../store/digest.ts';
import { readLastNumber } from '../store/read-key.ts';
import type { Entry } from '../store/store.ts';
import type { Edit } from './edits.ts';

export interface VersionRecord {
  readonly version: number;
  /** When it was accepted here, made monotonic. Milliseconds since 1970. */
  readonly timeMs: number;
  readonly user: string;
  readonly protocol: Protocol;
  /** From the version before to this one, as it goes over the wire (UDT-9). Null if it would be too large to be kept. */
  readonly patch: readonly Operation[] | null;
  /** The same as exact edits. Null if they would be too large. */
  readonly edits: readonly Edit[] | null;
  readonly hash: number;
  /** What v2 clients get of it; versions of older releases have none. */
  readonly summary?: SummaryVersion | undefined;
  /** Made for clients whose screen may be stale (UDT-8): nothing changed. */
  readonly isRefresh?: true | undefined;
  /** Of the change of the log that it belongs to; absent where nothing changed, and in versions of older releases. */
  readonly position?: number | undefined;
  /** Given by the client whose PATCH it was (see idempotency.ts). */
  readonly idempotencyKey?: string | undefined;
}

export interface SummaryVersion {
  /** Null if clients must be sent the whole summary. */
  readonly patch: readonly Operation[] | null;
  /** UDT-2's hash of the summary document. */
  readonly hash: number;
}

/** A version record as it is stored under `key`. */
export function sealVersionRecord(key: Uint8Array, record: VersionRecord): Uint8Array {
  const { idempotencyKey, summary, isRefresh, position, ...rest } = record;
  const value: Json = {
    ...rest,
    ...(position !== undefined && { position }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(isRefresh && { isRefresh }),
    ...(summary && { summary: { patch: summary.patch && toJson(summary.patch), hash: summary.hash } }),
    patch: record.patch && toJson(record.patch),
    edits: record.edits && record.edits.map((edit) => ({ ...edit })),
  };
  return sealJson(key, value);
}

function toJson(patch: readonly Operation[]): Json {
  return patch.map((operation) => ({ ...operation }));
}

/** @throws RejoinError `damaged`. */
export function unsealVersionRecord(key: Uint8Array, sealed: Uint8Array): VersionRecord {
  const parsed = recordShape.safeParse(unsealJson(key, sealed));
  if (!parsed.success) throw new RejoinError('damaged', 'A version record of a project is damaged');
  return parsed.data;
}

/** A version record is this server's own, and what it says is in the document too: one that is damaged is as good as lost. */
export function readOrTell({ key, value }: Entry, onDamage: (detail: string) => void): VersionRecord | null {
  try {
    return unsealVersionRecord(key, value);
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    onDamage(`version ${readLastNumber(key)} of udt: ${error.message}`);
    return null;
  }
}

const recordShape = z.object({
  version: z.number(),
  timeMs: z.number(),
  user: z.string(),
  protocol: z.enum(['stream', 'udt', 'yjs', 'server']),
  patch: z.custom<readonly Operation[]>(Array.isArray).nullable(),
  edits: z.custom<readonly Edit[]>(Array.isArray).nullable(),
  hash: z.number(),
  summary: z
    .object({ patch: z.custom<readonly Operation[]>(Array.isArray).nullable(), hash: z.number() })
    .optional(),
  isRefresh: z.literal(true).optional(),
  position: z.number().optional(),
  idempotencyKey: z.string().optional(),
});
