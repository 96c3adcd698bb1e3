// What a change of the document becomes in the log: its group of records, and the version of `udt` that it makes. The
// project plans and submits; these only put together.

import type { ProjectObject } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { NewChange } from '../store/project-log.ts';
import type { Write } from '../store/store.ts';
import type { DocumentChange } from './document.ts';
import type { KeyedRequest } from './idempotency.ts';
import type { Commit } from './live-log.ts';
import type { OpenDocument } from './open-document.ts';
import type { UdtState } from './udt-versions.ts';

/** A PATCH, or the creation of a session. */
export type UdtChange = 'udt' | 'session';

/**
 * The commit of edits of `udt`. A PATCH makes a version even if it changes nothing (UDT-3); it then has no record in the
 * log, or a plain `update` if it only turned plain values into Y types.
 * @param change null if the document is as it was.
 */
export function commitOfEdits(
  { document, versions }: OpenDocument,
  change: DocumentChange | null,
  {
    kind,
    origin,
    nowMs,
    writes,
    request,
  }: {
    kind: UdtChange;
    origin: Origin;
    nowMs: number;
    writes: readonly Write[];
    request?: KeyedRequest | undefined;
  },
): { commit: Commit; state: UdtState } {
  const edits = change?.udt?.edits ?? [];
  const isSession = kind === 'session';
  const step = isSession
    ? versions.first(document.view)
    : versions.next(document.view, edits, origin, nowMs, request);
  const recorded: NewChange = { kind: isSession || edits.length > 0 ? kind : 'update' };
  const group = { origin, update: change?.update ?? nothingNew, changes: [recorded] };
  const commit = {
    group: change || isSession ? group : null,
    writes: [...writes, ...step.writes],
    settle: () => versions.settle(step.state),
  };
  return { commit, state: step.state };
}

/** The commit of a Yjs client's update: max(1, k + (1 if `udt` changed)) changes for k new objects. */
export function commitOfUpdate(
  { document, versions }: OpenDocument,
  { update, udt }: DocumentChange,
  parts: {
    readonly origin: Origin;
    readonly nowMs: number;
    readonly objects: readonly ProjectObject[];
    readonly writes: readonly Write[];
  },
): Commit {
  const { origin, nowMs, objects, writes } = parts;
  const step = udt && versions.next(document.view, udt.edits, origin, nowMs);
  const changes: NewChange[] = objects.map(toChange);
  if (step) changes.push({ kind: 'udt' });
  if (changes.length === 0) changes.push({ kind: 'update' });
  return {
    group: { origin, update, changes },
    writes: [...writes, ...(step?.writes ?? [])],
    settle: () => {
      if (step) versions.settle(step.state);
    },
  };
}

export function toChange({ kind, versionUuid, value }: ProjectObject): NewChange {
  return { kind, versionUuid, object: Buffer.from(JSON.stringify(value), 'utf8') };
}

/** A Yjs update without structs and deletions: a session may start with nothing in it. */
const nothingNew = new Uint8Array([0, 0]);
