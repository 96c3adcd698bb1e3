// Reads one object of an upload, whose fields may have the names of either vocabulary (WS-12), and the project of any
// message (WS-2). parse.ts calls it.

import { RejoinError } from '../../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts';
import { checkObject, type ObjectKind } from '../../model/objects.ts';
import { parseProjectId, type ProjectId } from '../../model/project-id.ts';
import type { UploadedObject } from './messages.ts';

/**
 * Reads one member of an upload's `objects`.
 * @param where its path in the message; errors begin with it.
 * @throws RejoinError `bad-request` that names the field as it was sent.
 */
export function parseUploadedObject(sent: Json, where: string): UploadedObject {
  if (!isJsonObject(sent)) throw new RejoinError('bad-request', `${where} must be an object`);
  const type = sent['type'];
  const kind = typeof type === 'string' ? kindOfType.get(type) : undefined;
  if (kind === undefined)
    throw new RejoinError(
      'bad-request',
      `${where}.type must be "newentry", "newthread", "newtopic" or "newcomment"`,
    );
  const projectId = readProjectId(sent, `${where}.`);
  const { fields, sentAs } = withOriginalNames(kind, sent, where);
  return { kind, projectId, fields: checkObject(kind, fields, where, sentAs) };
}

/**
 * Reads the project of a message or an uploaded object (WS-2).
 * @param prefix stands before the name of the field in errors.
 * @throws RejoinError `bad-request` if there is none, a bad one, or several that differ.
 */
export function readProjectId(message: JsonObject, prefix: string): ProjectId {
  const present = projectNames.filter((name) => Object.hasOwn(message, name));
  const [first = 'project_id', ...others] = present;
  const projectId = parseProjectId(message[first], prefix + first);
  for (const other of others)
    if (parseProjectId(message[other], prefix + other) !== projectId) throw differ(prefix, first, other);
  return projectId;
}

/** Whether a message names a project at all. */
export function hasProjectId(message: JsonObject): boolean {
  return projectNames.some((name) => Object.hasOwn(message, name));
}

/** The names of a project's id, which mean the same (WS-2). */
export const projectNames = ['project_id', 'project', 'proj_id'] as const;

const kindOfType: ReadonlyMap<string, ObjectKind> = new Map([
  ['newentry', 'entry'],
  ['newthread', 'thread'],
  ['newtopic', 'thread'],
  ['newcomment', 'comment'],
]);

/** What is read here, and what the server defines (WS-12). */
const droppedNames: ReadonlySet<string> = new Set([
  ...['type', ...projectNames],
  ...['srv_id', 'seqno', 'submissiontime', 'user', 'user_id', 'user_uuid', 'mux_id'],
]);

const threadNames = { thread: 'thread_uuid', topic: 'thread_uuid', topic_uuid: 'thread_uuid' };

/** Per kind: the other names of its fields → the original ones. */
const originalNames: Record<ObjectKind, ReadonlyMap<string, string>> = {
  entry: new Map(Object.entries({ version: 'version_uuid', report: 'report_uuid', entry: 'entry_uuid' })),
  thread: new Map(Object.entries({ version: 'version_uuid', ...threadNames })),
  comment: new Map(
    Object.entries({
      version: 'version_uuid',
      comment: 'comment_uuid',
      ...threadNames,
      parent: 'parent_uuid',
    }),
  ),
};

function withOriginalNames(
  kind: ObjectKind,
  sent: JsonObject,
  where: string,
): { fields: JsonObject; sentAs: ReadonlyMap<string, string> } {
  const fields = new Map<string, Json>();
  const sentAs = new Map<string, string>();
  for (const [name, value] of Object.entries(sent)) {
    if (droppedNames.has(name)) continue;
    const original = originalNames[kind].get(name) ?? name;
    // All that has several names is a string or null.
    if (fields.has(original) && fields.get(original) !== value)
      throw differ(`${where}.`, sentAs.get(original) ?? original, name);
    fields.set(original, value);
    sentAs.set(original, name);
  }
  return { fields: Object.fromEntries(fields), sentAs };
}

function differ(prefix: string, one: string, other: string): RejoinError {
  return new RejoinError(
    'bad-request',
    `${prefix}${one} and ${prefix}${other} mean the same and must not differ: send one of them`,
  );
}
