// What the fields of an entry, a thread and a comment must look like (WS-14 to WS-17). Called by objects.ts alone,
// which adds the extra fields and puts all in order.

import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import { parseTime } from './time.ts';
import { parseVersionVector } from './version-vector.ts';

/** The fields under their original names, and the path of each as its sender knows it, for errors. */
export interface SentFields {
  readonly values: JsonObject;
  pathOf(name: string): string;
}

// WS-14
export function entryFields(sent: SentFields): JsonObject {
  return {
    ...commonFields(sent),
    report_uuid: uuid(sent, 'report_uuid'),
    entry_uuid: uuid(sent, 'entry_uuid'),
    ...(valueOf(sent, 'modifies') === null ? originalFields(sent) : editFields(sent)),
  };
}

// WS-15
export function threadFields(sent: SentFields): JsonObject {
  const links = valueOf(sent, 'links');
  if (links !== null && !isJsonArray(links)) throw refusal(sent, 'links', 'must be a list or null');
  return {
    ...commonFields(sent),
    thread_uuid: uuid(sent, 'thread_uuid'),
    name: textOrNull(sent, 'name'),
    links,
  };
}

// WS-16
export function commentFields(sent: SentFields): JsonObject {
  return {
    ...commonFields(sent),
    comment_uuid: uuid(sent, 'comment_uuid'),
    thread_uuid: uuid(sent, 'thread_uuid'),
    parent_uuid: textOrNull(sent, 'parent_uuid'),
    body: textOrNull(sent, 'body'),
  };
}

const uuidUnitsMax = 128;
const archivetimeEntriesMax = 10_000;

function commonFields(sent: SentFields): JsonObject {
  const archivetime = valueOf(sent, 'archivetime');
  if (archivetime !== null)
    parseVersionVector(archivetime, sent.pathOf('archivetime'), archivetimeEntriesMax);
  return {
    version_uuid: uuid(sent, 'version_uuid'),
    archivetime, // as sent, WS-15
    ...ifPresent('user_id', textOrNull(sent, 'user_id')),
    ...ifPresent('user_uuid', textOrNull(sent, 'user_uuid')),
    ...ifPresent('authortime', timeOrNull(sent, 'authortime')),
    ...ifPresent('submissiontime', timeOrNull(sent, 'submissiontime')),
  };
}

function originalFields(sent: SentFields): JsonObject {
  const because = 'in an original entry (one without modifies)';
  const clipId = valueOf(sent, 'clip_id');
  const content = valueOf(sent, 'content');
  if (valueOf(sent, 'reason') !== null) throw refusal(sent, 'reason', `must be null ${because}`);
  if (typeof clipId !== 'string') throw refusal(sent, 'clip_id', `must be a string ${because}`);
  if (!isJsonObject(content)) throw refusal(sent, 'content', `must be an object of strings ${because}`);
  for (const [key, value] of Object.entries(content))
    if (typeof value !== 'string') throw memberRefusal(sent, 'content', key, `must be a string ${because}`);
  return { clip_id: clipId, content, modifies: null, reason: null };
}

function editFields(sent: SentFields): JsonObject {
  const because = 'in an edit (an entry with modifies)';
  const modifies = valueOf(sent, 'modifies');
  const reason = valueOf(sent, 'reason');
  const content = valueOf(sent, 'content');
  if (!isJsonArray(modifies) || modifies.length === 0)
    throw refusal(sent, 'modifies', 'must be null or a non-empty list of version uuids');
  for (const [index, version] of modifies.entries())
    if (!isUuid(version))
      throw new RejoinError('bad-request', `${sent.pathOf('modifies')}[${index}] ${uuidRule}`);
  if (typeof reason !== 'string') throw refusal(sent, 'reason', `must be a string ${because}`);
  if (content !== null) {
    if (!isJsonObject(content))
      throw refusal(sent, 'content', `must be an object of strings and nulls, or null, ${because}`);
    for (const [key, value] of Object.entries(content))
      if (value !== null && typeof value !== 'string')
        throw memberRefusal(
          sent,
          'content',
          key,
          `must be a string, or null to delete the field, ${because}`,
        );
  }
  return { clip_id: textOrNull(sent, 'clip_id'), content, modifies, reason };
}

/** Absent counts as null. */
function valueOf(sent: SentFields, name: string): Json {
  return sent.values[name] ?? null;
}

function ifPresent(name: string, value: string | null): JsonObject {
  return value === null ? {} : { [name]: value };
}

const uuidRule = `must be a uuid: a string of 1 to ${uuidUnitsMax} characters other than __proto__`;

function uuid(sent: SentFields, name: string): string {
  const value = valueOf(sent, name);
  if (!isUuid(value)) throw refusal(sent, name, uuidRule);
  return value;
}

function isUuid(value: Json): value is string {
  // A version uuid becomes a key of the document, which `__proto__` must not be (WS-25).
  return typeof value === 'string' && value !== '' && value.length <= uuidUnitsMax && value !== '__proto__';
}

function textOrNull(sent: SentFields, name: string): string | null {
  const value = valueOf(sent, name);
  if (value !== null && typeof value !== 'string') throw refusal(sent, name, 'must be a string or null');
  return value;
}

function timeOrNull(sent: SentFields, name: string): string | null {
  const value = valueOf(sent, name);
  if (value === null) return null;
  if (typeof value !== 'string')
    throw refusal(sent, name, 'must be a time in a string, such as "2024-05-17T09:30:00.000Z"');
  return parseTime(value, sent.pathOf(name));
}

function refusal(sent: SentFields, name: string, problem: string): RejoinError {
  return new RejoinError('bad-request', `${sent.pathOf(name)} ${problem}`);
}

function memberRefusal(sent: SentFields, name: string, key: string, problem: string): RejoinError {
  // A key can be megabytes long; an error says enough with its beginning.
  const member = /^[\w-]{1,64}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`;
  return new RejoinError('bad-request', `${sent.pathOf(name)}${member} ${problem}`);
}
