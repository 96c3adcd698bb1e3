// The clientIDs under which this life of the server writes to a project: drawn at its first write, kept with it, and
// replaced when somebody else turns out to write under them.

import type { Doc } from 'yjs';
import type { Environment } from '../model/environment.ts';
import { drawClientIds } from '../store/client-ids.ts';
import type { Write } from '../store/store.ts';
import type { LiveLog } from './live-log.ts';

/** Lets the document write under this life's clientID. @returns the write that keeps a new one. */
export function useIdForEdits(log: LiveLog, doc: Doc, environment: Environment): Write[] {
  const kept = log.clientIds;
  const ids = kept ?? drawClientIds(environment);
  doc.clientID = ids.edits; // Yjs draws another by itself when it meets a writer of the same id
  return kept ? [] : [log.useClientIds(ids)];
}

/** Takes `count` clocks for uploads. */
export function useClocksForUpload(
  log: LiveLog,
  count: number,
  environment: Environment,
): { clientId: number; clock: number; write: Write } {
  const ids = log.clientIds ?? drawClientIds(environment);
  const write = log.useClientIds({ ...ids, uploadsClock: ids.uploadsClock + count });
  return { clientId: ids.uploads, clock: ids.uploadsClock, write };
}

/**
 * Two writers under one clientID would make documents diverge: when an update brings structs under one of ours, new
 * ones are drawn. @returns null if there was no need.
 */
export function replaceIdsAmong(
  clients: ReadonlySet<number>,
  log: LiveLog,
  doc: Doc,
  environment: Environment,
): { replaced: string; write: Write } | null {
  const ids = log.clientIds;
  if (!ids || !(clients.has(ids.edits) || clients.has(ids.uploads))) return null;
  const own = drawClientIds(environment);
  doc.clientID = own.edits;
  const replaced = `a client wrote under clientID ${clients.has(ids.edits) ? ids.edits : ids.uploads}`;
  return { replaced, write: log.useClientIds(own) };
}
