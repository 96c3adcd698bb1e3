// What the REST interface answers of projects, in the shapes that its OpenAPI document names.

import type { CataloguePage } from '../core/catalogue.ts';
import type { Project } from '../core/project.ts';
import type { ProjectSummary } from '../core/project-summary.ts';
import type { JsonObject } from '../model/json.ts';
import { printTime } from '../model/time.ts';
import { printVersionVector } from '../model/version-vector.ts';

type ProjectInfo = NonNullable<Project['info']>;

export function catalogueReply(page: CataloguePage, isOpen: (id: string) => boolean): JsonObject {
  return {
    projects: page.entries.map((entry) => listedReply(entry, isOpen(entry.project))),
    next: page.next,
  };
}

function listedReply({ project: id, info }: CataloguePage['entries'][number], open: boolean): JsonObject {
  const { tombstone } = info ?? {};
  return {
    id,
    created: info ? printTime(info.createdMs) : null,
    session: info ? info.session !== null : null,
    open,
    ...(tombstone && { deleted: printTime(tombstone.deletedMs) }),
    ...((!info || info.damage) && { damaged: true }),
  };
}

export function projectReply(id: string, info: ProjectInfo, summary: ProjectSummary): JsonObject {
  const { position, vector, objects, bytes, lastChange, damage } = summary;
  return {
    id,
    created: printTime(info.createdMs),
    session: info.session !== null,
    vector: printVersionVector(vector),
    position,
    counts: {
      entries: objects.entry,
      threads: objects.thread,
      comments: objects.comment,
      changes: position,
    },
    bytes,
    last_change: lastChange && {
      time: printTime(lastChange.timeMs),
      user: lastChange.origin.user,
      protocol: lastChange.origin.protocol,
      kind: lastChange.kind,
    },
    ...(damage !== null && { damage }),
  };
}

export function deletedReply({ tombstone }: ProjectInfo): JsonObject {
  return {
    deleted: printTime(tombstone?.deletedMs ?? 0),
    vector: (tombstone?.vector ?? []).toSorted(([a], [b]) => a - b),
  };
}
