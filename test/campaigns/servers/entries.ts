// The entries that the campaign's clients write: with a mark in their content, some of them versions of one entry that all of them
// edit at the same time.

import type { JsonObject } from '../../../src/model/json.ts';
import type { Chance } from '../kill9/chance.ts';

export const sharedReport = 'day-1';
/** The entry that all edit, and the version that all of them have seen of it. */
export const sharedEntry = { entry_uuid: 'shared', version_uuid: 'shared-base' } as const;

/** As an upload has it; the uuid of its version is its own. */
export function markedEntry(chance: Chance, mark: string): JsonObject {
  return { ...fieldsOf(chance.uuid(), mark), entry_uuid: chance.uuid(), clip_id: 'A001', modifies: null };
}

/** An edit of the shared entry by somebody who knows of no other edit. */
export function sharedEdit(chance: Chance, mark: string): JsonObject {
  return {
    ...fieldsOf(chance.uuid(), mark),
    entry_uuid: sharedEntry.entry_uuid,
    clip_id: null,
    modifies: [sharedEntry.version_uuid],
    reason: 'seen again',
  };
}

export function sharedBase(mark: string): JsonObject {
  return { ...fieldsOf(sharedEntry.version_uuid, mark), ...sharedEntry, clip_id: 'A001', modifies: null };
}

function fieldsOf(version: string, mark: string): JsonObject {
  return {
    report_uuid: sharedReport,
    version_uuid: version,
    content: { note: mark },
    reason: null,
    authortime: '2026-05-01T10:00:00.000Z',
  };
}
