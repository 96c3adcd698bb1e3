// Compaction of a project's log: the update bytes that a snapshot covers are replaced by their digest, which the record's
// header has; headers and objects stay. It needs neither the document nor the open project.

import { z } from 'zod';
import { hasCode, messageOf } from '../errors.ts';
import { hasBegunArrival } from './arrivals.ts';
import { sealJson, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import { withoutUpdate } from './record.ts';
import { checkReadable, findSnapshots, type Snapshot } from './snapshots.ts';
import type { Range, Store, Write } from './store.ts';

/** After so much was dropped the database is asked to give the space back. */
const reclaimBytesMin = 1024 * 1024;
/** The age of an update is known to this part of the time that updates are kept. */
const marksPerTime = 16;

const upkeepShape = z.object({
  /** Up to here update bytes were dropped. */
  compactedTo: z.number(),
  /** Snapshots that there were, as position and time: what they covered is at least that old. Oldest first. */
  marks: z.array(z.object({ position: z.number(), madeMs: z.number() })),
});

type Upkeep = z.infer<typeof upkeepShape>;

export interface CompactionOptions {
  /** Updates that arrived later stay. Age counts by the snapshots that covered them, so by this server's clock. */
  readonly keepUpdatesMs: number;
  readonly nowMs: number;
  /** Gives up between two pages; what was dropped until then is. */
  readonly stopping: AbortSignal;
  readonly onDamage: (detail: string) => void;
  /** Is called when the space of much of a range is worth being given back to the disk. */
  readonly reclaim: (range: Range) => void;
}

/** @returns how many bytes of updates were dropped. */
export async function compactLog(
  store: Store,
  keys: ProjectKeys,
  options: CompactionOptions,
): Promise<number> {
  const snapshots: Snapshot[] = [];
  for await (const snapshot of findSnapshots(store, keys, options.onDamage)) snapshots.push(snapshot);
  const [newest, before] = snapshots;
  // What is being taken over makes the document anew from the updates before it, if a crash interrupts it (REP-7). Looked at behind
  // the snapshots: its own may be among them.
  if (!newest || (await hasBegunArrival(store, keys))) return 0;
  const stored = await readUpkeep(store, keys);
  const { marks, aged } = markAges(stored, newest, options);
  // The older of two snapshots limits it: with what follows it, it makes the document if the newer one is damaged.
  const limit = Math.min(aged, (before ?? newest).position);
  if (limit <= stored.compactedTo) {
    if (marks !== stored.marks) await store.write([writeUpkeep(keys, { ...stored, marks })]);
    return 0;
  }
  if (!(await areReadable(store, keys, before ? [newest, before] : [newest], options.onDamage))) return 0;

  const bytes = await dropUpdates(store, keys, stored.compactedTo + 1, limit, options);
  if (options.stopping.aborted) return bytes;
  await store.write([writeUpkeep(keys, { compactedTo: limit, marks })]);
  if (bytes >= reclaimBytesMin) options.reclaim(keys.records(1, limit));
  return bytes;
}

/** Adds the newest snapshot to the marks; \`aged\` is the position up to which everything is old enough. */
function markAges(
  { marks, compactedTo }: Upkeep,
  newest: Snapshot,
  { keepUpdatesMs, nowMs }: CompactionOptions,
): { marks: Upkeep['marks']; aged: number } {
  const last = marks.at(-1);
  const isNew = !last || newest.madeMs >= last.madeMs + keepUpdatesMs / marksPerTime;
  const { position, madeMs } = newest;
  const all = isNew && position > (last?.position ?? 0) ? [...marks, { position, madeMs }] : marks;
  const old = all.filter((mark) => mark.madeMs <= nowMs - keepUpdatesMs);
  const aged = Math.max(0, ...old.map((mark) => mark.position));
  const needed = all.filter((mark) => mark.position >= Math.max(aged, compactedTo));
  return { marks: needed.length === marks.length ? marks : needed, aged };
}

/** Whether these snapshots can be relied on: nothing is dropped for one that can't be read. */
async function areReadable(
  store: Store,
  keys: ProjectKeys,
  snapshots: readonly Snapshot[],
  onDamage: (detail: string) => void,
): Promise<boolean> {
  try {
    for (const snapshot of snapshots) await checkReadable(store, keys, snapshot);
    return true;
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    onDamage(error.message);
    return false;
  }
}

/** Of records from one position to another, both included: a snapshot must have what they say. @returns how many bytes that were. */
export async function dropUpdates(
  store: Store,
  keys: ProjectKeys,
  first: number,
  last: number,
  { stopping, onDamage }: Pick<CompactionOptions, 'stopping' | 'onDamage'>,
): Promise<number> {
  let bytes = 0;
  for await (const page of store.scan(keys.records(first, last))) {
    if (stopping.aborted) break;
    const writes: Write[] = [];
    for (const { key, value } of page) {
      try {
        const stripped = withoutUpdate(value);
        if (!stripped) continue;
        writes.push({ key, value: stripped });
        bytes += value.length - stripped.length;
      } catch (error) {
        onDamage(`at position ${readLastNumber(key)}: ${messageOf(error)}`);
      }
    }
    if (writes.length > 0) await store.write(writes);
  }
  return bytes;
}

async function readUpkeep(store: Store, keys: ProjectKeys): Promise<Upkeep> {
  const sealed = await store.get(keys.upkeep);
  if (!sealed) return { compactedTo: 0, marks: [] };
  try {
    return upkeepShape.parse(unsealJson(keys.upkeep, sealed));
  } catch {
    return { compactedTo: 0, marks: [] }; // it only saves work: what was compacted already is found so
  }
}

function writeUpkeep(keys: ProjectKeys, upkeep: Upkeep): Write {
  return { key: keys.upkeep, value: sealJson(keys.upkeep, upkeep) };
}
