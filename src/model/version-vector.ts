// Version vectors: the highest seqno known per server id, on the wire a list of pairs. `since`, `sync` and
// `archivetime` are made of them.

import { RejoinError } from '../errors.ts';
import { isJsonArray } from './json.ts';

/** Server id → the highest seqno known of it. A server that isn't named is known up to 0. */
export type VersionVector = ReadonlyMap<number, number>;

/**
 * Reads `[[server id, seqno], …]`; of a server named twice the highest seqno counts.
 * @param field how the sender knows the value, for the error.
 * @param entriesMax how many pairs are allowed.
 * @throws RejoinError `bad-request` that names the field or the pair, `too-large` for too many pairs.
 */
export function parseVersionVector(value: unknown, field: string, entriesMax: number): Map<number, number> {
  if (!isJsonArray(value))
    throw new RejoinError('bad-request', `${field} must be a list of pairs [server id, seqno]`);
  if (value.length > entriesMax)
    throw new RejoinError(
      'too-large',
      `${field} has ${value.length} pairs; at most ${entriesMax} are allowed`,
    );
  const vector = new Map<number, number>();
  value.forEach((pair, index) => {
    const [serverId, seqno] = parsePair(pair, `${field}[${index}]`);
    vector.set(serverId, Math.max(seqno, vector.get(serverId) ?? 0));
  });
  return vector;
}

/** The pairs of a vector, sorted by server id, so that equal vectors are printed alike. */
export function printVersionVector(vector: VersionVector): [number, number][] {
  return [...vector].sort(([a], [b]) => a - b);
}

/** What either of the two knows. */
export function highestOf(one: VersionVector, other: VersionVector): Map<number, number> {
  const highest = new Map(one);
  for (const [serverId, seqno] of other) highest.set(serverId, Math.max(seqno, highest.get(serverId) ?? 0));
  return highest;
}

/** Whether the other one knows more of any server. */
export function isBehind(one: VersionVector, other: VersionVector): boolean {
  return [...other].some(([serverId, seqno]) => seqno > (one.get(serverId) ?? 0));
}

function parsePair(pair: unknown, field: string): [serverId: number, seqno: number] {
  if (isJsonArray(pair) && pair.length === 2) {
    const [serverId, seqno] = pair;
    if (isCount(serverId) && isCount(seqno)) return [serverId, seqno];
  }
  throw new RejoinError(
    'bad-request',
    `${field} must be a pair [server id, seqno] of two integers from 0 to 2^53 - 1`,
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
