// The current rows, threads and comments of a project, or those of an earlier time: made from its log, page by page, without
// its document. The REST adapter calls it.

import { setImmediate as otherWork } from 'node:timers/promises';
import type { Project } from '../core/project.ts';
import type { Selected } from '../core/selected-feed.ts';
import { RejoinError } from '../errors.ts';
import type { Row } from '../model/entry-versions.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';
import { ProjectView } from '../model/project-view.ts';
import type { Match } from '../model/selection.ts';
import { printVersionVector, type VersionVector } from '../model/version-vector.ts';

/** Which rows are asked for. */
export interface RowsQuery {
  readonly report: string | null;
  readonly at: VersionVector | null;
  readonly deleted: boolean;
}

export interface CommentsQuery {
  readonly thread: string | null;
  readonly at: VersionVector | null;
  readonly deleted: boolean;
}

export async function readRows(project: Project, { report, at, deleted }: RowsQuery): Promise<JsonObject> {
  const { view, vector } = await readView(
    project,
    at,
    'entry',
    report === null ? null : { field: 'report', value: report },
  );
  const entries: JsonObject[] = [];
  for (const name of report === null ? view.reports() : [report]) {
    for (const row of view.rows(name, { deleted })) entries.push(rowToJson(row));
    await otherWork();
  }
  return { project: project.id, vector, entries };
}

export async function readThreads(
  project: Project,
  { at }: { readonly at: VersionVector | null },
): Promise<JsonObject> {
  const { view, vector } = await readView(project, at, 'thread', null);
  return { project: project.id, vector, threads: view.threads().map((thread) => ({ ...thread })) };
}

export async function readComments(
  project: Project,
  { thread, at, deleted }: CommentsQuery,
): Promise<JsonObject> {
  const { view, vector } = await readView(
    project,
    at,
    'comment',
    thread === null ? null : { field: 'topic', value: thread },
  );
  const comments = view.comments(thread ?? undefined, { deleted }).map((comment) => ({ ...comment }));
  return { project: project.id, vector, comments };
}

/**
 * Reads all objects of a kind, or those of one report or thread.
 * @param at null for all that is durable.
 * @returns also the version vector of what was read.
 */
async function readView(
  project: Project,
  at: VersionVector | null,
  kind: ObjectKind,
  match: Match | null,
): Promise<{ view: ProjectView; vector: [number, number][] }> {
  const view = new ProjectView();
  const feed = await project.select({ objects: [{ kind, since: new Map(), match }], udt: null });
  try {
    while (!feed.atHead) {
      for (const selected of (await feed.next()) ?? [])
        if (selected.type === 'object' && isCovered(selected, at)) view.add(kind, objectIn(selected));
      await otherWork();
    }
    return { view, vector: printVersionVector(at ? lesser(at, feed.vector) : feed.vector) };
  } finally {
    feed.close();
  }
}

function isCovered({ serverId, seqno }: Selected, at: VersionVector | null): boolean {
  return at === null || seqno <= (at.get(serverId) ?? 0);
}

function objectIn({ object }: Extract<Selected, { type: 'object' }>): JsonObject {
  const value: unknown = JSON.parse(Buffer.from(object).toString('utf8'));
  if (isJsonObject(value)) return value;
  throw new RejoinError('internal', 'A stored object is no object');
}

/** What two version vectors have in common. */
function lesser(one: VersionVector, other: VersionVector): VersionVector {
  const common = new Map<number, number>();
  for (const [serverId, seqno] of one) {
    const both = Math.min(seqno, other.get(serverId) ?? 0);
    if (both > 0) common.set(serverId, both);
  }
  return common;
}

function rowToJson(row: Row): JsonObject {
  return { ...row, conflicts: row.conflicts.map((conflict) => ({ ...conflict })) };
}
