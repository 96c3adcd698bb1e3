// The index of a project's objects by report, topic and user. One posting lists the positions of one group that match; it
// is written in the group's batch, and again, byte for byte the same, when an older log is indexed (core/build-index.ts).

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { RejoinError, messageOf } from '../errors.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { seal, unseal } from './digest.ts';
import { number, numberBytes } from './key-parts.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import { firstOf, type Entry, type Store, type Write } from './store.ts';

/** Consecutive positions, both ends included. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

interface Posting {
  readonly kind: ObjectKind;
  readonly match: Match;
  readonly runs: Run[];
}

/** Collects the postings of one group. */
export class GroupPostings {
  /** The first object: most groups have no other. */
  private first: { kind: ObjectKind; matches: readonly Match[]; position: number } | null = null;
  /** Of all objects, once there are several. */
  private postings: Map<string, Posting> | null = null;

  /** Positions rise from call to call. */
  add(kind: ObjectKind, matches: readonly Match[], position: number): void {
    const { first } = this;
    if (!first) {
      this.first = { kind, matches, position };
      return;
    }
    if (!this.postings) {
      this.postings = new Map();
      collect(this.postings, first.kind, first.matches, first.position);
    }
    collect(this.postings, kind, matches, position);
  }

  writes(keys: ProjectKeys): Write[] {
    const { first, postings } = this;
    if (!first) return [];
    if (!postings)
      return first.matches.map((match) => {
        const key = keys.posting(first.kind, match, first.position);
        return { key, value: seal(key, runOfOne) };
      });
    return [...postings.values()].map(({ kind, match, runs }) => {
      const key = keys.posting(kind, match, runs[0]?.first ?? 0);
      return { key, value: seal(key, encodeRuns(runs)) };
    });
  }
}

function collect(
  postings: Map<string, Posting>,
  kind: ObjectKind,
  matches: readonly Match[],
  position: number,
): void {
  for (const match of matches) {
    const name = `${match.field} ${kind} ${match.value}`;
    const known = postings.get(name);
    if (!known) {
      postings.set(name, { kind, match, runs: [{ first: position, last: position }] });
      continue;
    }
    const run = known.runs.at(-1);
    if (run?.last === position - 1) known.runs[known.runs.length - 1] = { ...run, last: position };
    else known.runs.push({ first: position, last: position });
  }
}

/** A position alone, as `encodeRuns` writes it. */
const runOfOne = Uint8Array.of(1);

/** So many postings are read at a time. No scan stays open between two reads. */
const postingsPerScan = 64;

/**
 * The positions of objects that match, from one to another, both included, in order. With each are other positions only where
 * two long values have the same digest.
 * @throws RejoinError `damaged` at a posting that fails its seal.
 */
export async function* readPostings(
  store: Store,
  keys: ProjectKeys,
  kind: ObjectKind,
  match: Match,
  { first, last }: Run,
): AsyncGenerator<Run> {
  // The group that `first` is in may have begun before it.
  const before = await firstOf(store, { ...keys.postings(kind, match, 0, first - 1), reverse: true });
  if (before) yield* runsWithin(before, first, last);
  const range = keys.postings(kind, match, first, last);
  for (let { from } = range; ;) {
    const found: Entry[] = [];
    for await (const page of store.scan({ ...range, from, limit: postingsPerScan })) found.push(...page);
    for (const posting of found) yield* runsWithin(posting, first, last);
    const end = found.at(-1);
    if (!end || found.length < postingsPerScan) return;
    from = keys.posting(kind, match, readLastNumber(end.key) + 1);
  }
}

/**
 * What is written so that a posting leads to none of some positions.
 * @returns nothing if it leads to none of them.
 */
export function postingWithout({ key, value }: Entry, isGone: (position: number) => boolean): Write[] {
  const left: number[] = [];
  let hasGone = false;
  for (const { first, last } of decodeRuns(readLastNumber(key), unseal(key, value)))
    for (let position = first; position <= last; position++) {
      if (isGone(position)) hasGone = true;
      else left.push(position);
    }
  if (!hasGone) return [];
  const writes: Write[] = [{ key, value: null }];
  for (const position of left) {
    const keyOfOne = Buffer.concat([key.subarray(0, key.length - numberBytes), number(position)]);
    writes.push({ key: keyOfOne, value: seal(keyOfOne, runOfOne) });
  }
  return writes;
}

/** The first length, then the gap before each further run and its length. The first position is in the key. */
function encodeRuns(runs: readonly Run[]): Uint8Array {
  const encoder = encoding.createEncoder();
  let end: number | null = null;
  for (const { first, last } of runs) {
    if (end !== null) encoding.writeVarUint(encoder, first - end);
    encoding.writeVarUint(encoder, last - first + 1);
    end = last;
  }
  return encoding.toUint8Array(encoder);
}

function* runsWithin({ key, value }: Entry, first: number, last: number): Generator<Run> {
  for (const run of decodeRuns(readLastNumber(key), unseal(key, value))) {
    if (run.last < first) continue;
    if (run.first > last) return;
    yield { first: Math.max(run.first, first), last: Math.min(run.last, last) };
  }
}

function* decodeRuns(firstPosition: number, bytes: Uint8Array): Generator<Run> {
  const decoder = decoding.createDecoder(bytes);
  try {
    for (let first = firstPosition; ;) {
      const last = first + decoding.readVarUint(decoder) - 1;
      yield { first, last };
      if (!decoding.hasContent(decoder)) return;
      first = last + decoding.readVarUint(decoder);
    }
  } catch (error) {
    throw new RejoinError('damaged', `A posting can't be decoded: ${messageOf(error)}`, { cause: error });
  }
}
