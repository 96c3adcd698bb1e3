// What a change of the document becomes in the log: its group of records, and the version of `udt` that it makes. The
// project plans and submits; these only put together.

import { matchesOf } from '../model/matches.ts';
import type { ProjectObject } from '../model/objects.ts';
import type { NewChange } from '../store/project-log.ts';
import type { ProjectKeys } from '../store/keys.ts';
import type { Write } from '../store/store.ts';
import type { LogRecord } from '../store/record.ts';
import { isUdtChange } from '../store/udt-changes.ts';
import type { DocumentChange, ProjectDocument } from './document.ts';
import type { Commit } from './live-log.ts';
import { writeSampleChanges } from './sample-changes.ts';
import type { UdtState, UdtStep, UdtVersions, VersionCause } from './udt-versions.ts';

/** Where a change is put together: the open document, the versions of its `udt` part, and where both are stored. */
export interface Opened {
  readonly document: ProjectDocument;
  readonly versions: UdtVersions;
  readonly keys: ProjectKeys;
  /** The position that the next change of the log gets. */
  readonly nextPosition: () => number;
}

/** Who made a change, and when. */
export type ChangeCause = Omit<VersionCause, 'position'>;

/**
 * The commit of edits of `udt`. A PATCH makes a version even if it changes nothing (UDT-3); it then has no record in the
 * log, or a plain `update` if it only turned plain values into Y types.
 * @param change null if the document is as it was.
 */
export function commitOfEdits(
  opened: Opened,
  change: DocumentChange | null,
  cause: ChangeCause,
  writes: readonly Write[],
): { commit: Commit; state: UdtState } {
  const step = versionOf(opened, change, cause, change?.udt ? 0 : null);
  const { origin } = cause;
  const group = change && {
    origin,
    update: change.update,
    changes: [{ kind: change.udt ? ('udt' as const) : ('update' as const) }],
  };
  const commit = {
    group,
    writes: [...writes, ...step.writes],
    settle: () => opened.versions.settle(step.state),
  };
  return { commit, state: step.state };
}

/** The commit of a Yjs client's update: max(1, k + (1 if `udt` changed)) changes for k new objects. */
export function commitOfUpdate(
  opened: Opened,
  change: DocumentChange,
  cause: ChangeCause,
  objects: readonly ProjectObject[],
  writes: readonly Write[],
): Commit {
  // Samples that became other Yjs items have other `_id`s, which v2 clients must be told of (UDT-15).
  const isVersion = change.udt !== null || opened.document.udt.samples.hasNews;
  const step = isVersion ? versionOf(opened, change, cause, change.udt ? objects.length : null) : null;
  const changes: NewChange[] = objects.map(toChange);
  if (change.udt) changes.push({ kind: 'udt' });
  if (changes.length === 0) changes.push({ kind: 'update' });
  return {
    group: { origin: cause.origin, update: change.update, changes },
    writes: [...writes, ...(step?.writes ?? [])],
    settle: () => {
      if (step) opened.versions.settle(step.state);
    },
  };
}

/**
 * The version that a group of another server makes: one if it changed `udt` there or changes it here.
 * @param isNew whether the project comes to life with it; one that a session completes begins to be counted then.
 */
export function stepOfReceived(
  opened: Opened,
  change: DocumentChange | null,
  records: readonly LogRecord[],
  nowMs: number,
  isNew: boolean,
): UdtStep | null {
  const { document, versions, keys, nextPosition } = opened;
  const index = records.findIndex(isUdtChange);
  const kind = records[index]?.kind;
  const [first] = records;
  if (!first) return null;
  const { origin } = first;
  const isFirst = isNew && (kind === 'session' || kind === 'closing') && !versions.isBegun;
  if (isFirst || kind === 'closing') {
    const { changes } = document.udt.samples.take(document.view);
    const now = { view: document.view, ...document.udt.hashes(), summaryPatch: null };
    const cause = { origin, nowMs, position: nextPosition() + index };
    // Of the slices that came before it, where the project was there already, readers of the log were told nothing.
    const step = isFirst ? versions.first(now, cause, false) : versions.rebuild(now, cause);
    return { ...step, writes: step.writes.concat(writeSampleChanges(keys, changes)) };
  }
  if (index < 0 && !change?.udt && !document.udt.samples.hasNews) return null;
  return versionOf(opened, change, { origin, nowMs }, index < 0 ? null : index);
}

/** @param index of the change of `udt` in its group; null if it has none. */
function versionOf(
  { document, versions, keys, nextPosition }: Opened,
  change: DocumentChange | null,
  cause: ChangeCause,
  index: number | null,
): UdtStep {
  const { udt, view } = document;
  const { patch, changes } = udt.samples.take(view);
  const now = { view, ...udt.hashes(), summaryPatch: patch };
  const udtChange = change?.udt ?? null;
  const position = index === null ? null : nextPosition() + index;
  const step = versions.next(now, udtChange, { ...cause, position });
  return { ...step, writes: step.writes.concat(writeSampleChanges(keys, changes)) };
}

export function toChange({ kind, versionUuid, value }: ProjectObject): NewChange {
  const object = Buffer.from(JSON.stringify(value), 'utf8');
  return { kind, versionUuid, object, matches: matchesOf(kind, value) };
}
