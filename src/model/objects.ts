// Objects: the immutable versions of entries, threads and comments. Uploads and what Yjs clients wrote are checked
// here, and completed with what the server knows, before they are stored.

import { RejoinError } from '../errors.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { commentFields, entryFields, threadFields, type SentFields } from './object-rules.ts';
import { checkPlainJson } from './plain-json.ts';
import { printTime } from './time.ts';

export type ObjectKind = 'entry' | 'thread' | 'comment';

/** The document's root map for each kind, which is also the name of its selector on `/ws`. */
export const rootOfKind = {
  entry: 'entries',
  thread: 'threads',
  comment: 'comments',
} as const satisfies Record<ObjectKind, string>;

/** Per kind: the fields that the later vocabulary of `/ws` calls otherwise, and how (`proj_id`, not stored, aside). */
export const laterNames: Record<ObjectKind, ReadonlyMap<string, string>> = {
  entry: namesOf({ report_uuid: 'report', entry_uuid: 'entry' }),
  thread: namesOf({ thread_uuid: 'topic' }),
  comment: namesOf({ comment_uuid: 'comment', thread_uuid: 'topic', parent_uuid: 'parent' }),
};

function namesOf(ofKind: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries({ version_uuid: 'version', user_uuid: 'user', ...ofKind }));
}

/**
 * What stands in an object of the later vocabulary anyway, so never an extra field: the object would have a key twice.
 * In an upload these are other names of its fields (WS-12); from a Yjs client they are dropped, as the reserved ones are.
 */
export const takenNames: Record<ObjectKind, ReadonlySet<string>> = {
  entry: new Set(['project', ...laterNames.entry.values()]),
  thread: new Set(['project', ...laterNames.thread.values()]),
  comment: new Set(['project', ...laterNames.comment.values()]),
};

export const objectKinds: readonly ObjectKind[] = ['entry', 'thread', 'comment'];

/** Whether a record's kind is that of an object. */
export function isObjectKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(rootOfKind, kind);
}

export interface ProjectObject {
  readonly kind: ObjectKind;
  readonly versionUuid: string;
  /** The fields of `wire/ws.md`, in the order of its table, without `type mux_id srv_id seqno proj_id`. */
  readonly value: JsonObject;
}

/** Who wrote an object, and when the server got it. */
export interface Author {
  readonly userId: string;
  readonly userUuid: string;
  readonly nowMs: number;
}

/**
 * Checks the fields of an object, under their original names (WS-14 to WS-18).
 * @param where the object as its sender knows it, such as `objects[3]`; errors begin with it.
 * @param sentAs the names the sender used for fields that came under another name, for errors.
 * @returns the fields in canonical order: nullable ones filled with null, times normalised, extra ones at the end;
 *   `user_id user_uuid authortime submissiontime` are absent if they were absent or null.
 * @throws RejoinError `bad-request` that names the field.
 */
export function checkObject(
  kind: ObjectKind,
  fields: JsonObject,
  where: string,
  sentAs?: ReadonlyMap<string, string>,
): JsonObject {
  const sent = { values: fields, pathOf: (name: string) => `${where}.${sentAs?.get(name) ?? name}` };
  const checked = fieldsOfKind[kind](sent);
  // WS-18
  const extra = Object.entries(fields).filter(([name]) => !isKnown(kind, name) && !reservedNames.has(name));
  return inOrder(kind, { ...checked, ...Object.fromEntries(extra) });
}

/**
 * Checks an object that a Yjs client set in the root map of its kind (WS-24).
 * @returns as `checkObject`, with an `authortime` and without extra fields that have a later name.
 * @throws RejoinError `bad-request` that names the field.
 */
export function checkYjsObject(kind: ObjectKind, key: string, value: unknown): JsonObject {
  const root = rootOfKind[kind];
  const where = `${root}[${JSON.stringify(key.slice(0, 128))}]`;
  // Wrapped, so that the path of an error is the path in the document; an upload's objects sit as deep in their frame.
  checkPlainJson({ [root]: { [key]: value } });
  if (!isJsonObject(value)) throw new RejoinError('bad-request', `${where} must be an object`);
  const fields = checkObject(kind, value, where);
  if (fields['version_uuid'] !== key)
    throw new RejoinError('bad-request', `${where}.version_uuid must equal the object's key`);
  if (fields['authortime'] === undefined)
    throw new RejoinError('bad-request', `${where}.authortime must be there: a time in a string`);
  const kept = Object.entries(fields).filter(([name]) => !takenNames[kind].has(name));
  return Object.fromEntries(kept);
}

/**
 * Adds what the server knows: user, time of submission, and a missing authortime (WS-17).
 * @param fields what `checkObject` or `checkYjsObject` returned.
 * @param userFields whether `user_id`, `user_uuid` and `submissiontime` are replaced, as in an upload (WS-12), or kept
 *   when present, as in an object from a Yjs client (WS-24).
 */
export function completeObject(
  kind: ObjectKind,
  fields: JsonObject,
  author: Author,
  userFields: 'replace' | 'keep',
): ProjectObject {
  const now = printTime(author.nowMs);
  const stamp = { user_id: author.userId, user_uuid: author.userUuid, submissiontime: now };
  const stamped = userFields === 'replace' ? { ...fields, ...stamp } : { ...stamp, ...fields };
  const value = inOrder(kind, { authortime: now, ...stamped });
  const versionUuid = value['version_uuid'];
  if (typeof versionUuid !== 'string')
    throw new RejoinError('internal', `An unchecked ${kind} was to be completed: it has no version_uuid`);
  return { kind, versionUuid, value };
}

/** An object as its author made it: without what the server that took it adds, which another server adds otherwise (REP-6). */
export function asAuthored(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !stampNames.has(name)));
}

const stampNames: ReadonlySet<string> = new Set(['user_id', 'user_uuid', 'submissiontime']);

const fieldsOfKind: Record<ObjectKind, (sent: SentFields) => JsonObject> = {
  entry: entryFields,
  thread: threadFields,
  comment: commentFields,
};

/** Server-defined per change and stream, so never part of the stored object. */
const reservedNames: ReadonlySet<string> = new Set(['type', 'mux_id', 'srv_id', 'seqno', 'proj_id']);

const fieldOrder: Record<ObjectKind, readonly string[]> = {
  entry: (
    'report_uuid entry_uuid version_uuid user_id user_uuid clip_id content modifies reason ' +
    'archivetime authortime submissiontime'
  ).split(' '),
  thread: (
    'thread_uuid version_uuid user_id user_uuid name links ' + //
    'archivetime authortime submissiontime'
  ).split(' '),
  comment: (
    'comment_uuid thread_uuid parent_uuid version_uuid user_id user_uuid body ' +
    'archivetime authortime submissiontime'
  ).split(' '),
};

function isKnown(kind: ObjectKind, name: string): boolean {
  return fieldOrder[kind].includes(name);
}

function inOrder(kind: ObjectKind, fields: JsonObject): JsonObject {
  const known = fieldOrder[kind].filter((name) => Object.hasOwn(fields, name));
  const extra = Object.keys(fields).filter((name) => !isKnown(kind, name));
  return Object.fromEntries([...known, ...extra].map((name) => [name, fields[name] ?? null]));
}
