// Objects as crews' report tools and Yjs clients write them, each with uuids and texts of its own.

import type { JsonObject } from '../../../src/model/json.ts';
import type { ObjectKind } from '../../../src/model/objects.ts';
import type { Chance } from './chance.ts';
import type { Part } from './ledger.ts';

export type ObjectPart = Extract<Part, { type: 'object' }>;

/** @param before what its author wrote before, for the objects that refer to others. */
export function randomObject(chance: Chance, project: string, before: ObjectPart | undefined): ObjectPart {
  const kind = chance.pick<ObjectKind>(['entry', 'entry', 'entry', 'thread', 'comment']);
  const versionUuid = chance.uuid();
  const second = String(chance.integer(0, 59)).padStart(2, '0');
  const common = {
    version_uuid: versionUuid,
    archivetime: null,
    authortime: `2024-05-01T10:00:${second}.000Z`,
  };
  const fields = { ...common, ...fieldsOf(kind, chance, before) };
  return { type: 'object', project, kind, versionUuid, fields };
}

function fieldsOf(kind: ObjectKind, chance: Chance, before: ObjectPart | undefined): JsonObject {
  switch (kind) {
    case 'entry':
      return entryFields(chance, before);
    case 'thread':
      return { thread_uuid: chance.uuid(), name: text(chance), links: [['report', chance.uuid()]] };
    case 'comment': {
      const body = chance.oneIn(5) ? null : text(chance);
      return { comment_uuid: chance.uuid(), thread_uuid: chance.uuid(), parent_uuid: null, body };
    }
  }
}

function entryFields(chance: Chance, before: ObjectPart | undefined): JsonObject {
  const names = { report_uuid: chance.uuid(), entry_uuid: chance.uuid() };
  if (before?.kind === 'entry' && chance.oneIn(2)) {
    const content = chance.oneIn(4) ? null : { note: text(chance) };
    return { ...names, clip_id: null, content, modifies: [before.versionUuid], reason: text(chance) };
  }
  const content = { scene: text(chance), note: text(chance) };
  return { ...names, clip_id: text(chance), content, modifies: null, reason: null };
}

function text(chance: Chance): string {
  return 'é'.repeat(chance.integer(0, 3)) + chance.uuid().slice(0, chance.integer(8, 36));
}
