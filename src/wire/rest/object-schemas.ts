// JSON Schemas of the objects that clients upload, under the names of either vocabulary. The OpenAPI and AsyncAPI documents
// show them; a test holds them to what parses uploads, but for what `beyondSchemas` lists.

import type { Json, JsonObject } from '../../model/json.ts';
import { projectIdBytesMax } from '../../model/project-id.ts';
import { streamLimits } from '../stream/messages.ts';
import { projectNames } from '../stream/uploaded-object.ts';

/** What is refused though no schema says so. */
export const beyondSchemas = [
  'Lengths are counted in UTF-16 units, those of project ids in bytes of UTF-8; schemas count characters.',
  'Two names of one field (such as version and version_uuid) must not have different values.',
  'All selectors of one stream must lead to the same project, which the message may name too.',
  'A time must be one of a day that exists, in the years 0000 to 9999 of UTC.',
  'JSON may be nested 64 levels deep. It must not have lone surrogates, numbers too large for a double, or __proto__ as a key.',
] as const;

export const safeInteger: JsonObject = {
  type: 'integer',
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
};

const seqno: JsonObject = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

export const vectorSchema: JsonObject = {
  description: 'A version vector: pairs [server id, seqno].',
  type: 'array',
  maxItems: streamLimits.sinceEntriesMax,
  items: { type: 'array', prefixItems: [seqno, seqno], items: false, minItems: 2 },
};

export const projectSchema: JsonObject = {
  description: 'The id of a project. An integer and its decimal string are the same one.',
  anyOf: [{ type: 'string', minLength: 1, maxLength: projectIdBytesMax, pattern: '^\\P{Cc}*$' }, safeInteger],
};

export const uuidSchema: JsonObject = {
  type: 'string',
  minLength: 1,
  maxLength: 128,
  not: { const: '__proto__' },
};

export const textOrNull: JsonObject = { type: ['string', 'null'] };

const timeSchema: JsonObject = {
  description: 'A time, such as 2024-05-17T09:30:00.000Z; UTC if it says nothing else.',
  type: 'string',
  pattern:
    '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])' +
    '([Tt ]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d([.,]\\d+)?)?([Zz]| ?[+-]([01]\\d|2[0-3])(:?[0-5]\\d)?)?)?$',
};

export function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [schema, { type: 'null' }] };
}

/** Present under at least one of these names. */
export function oneOfNames(names: readonly string[]): JsonObject {
  return { anyOf: names.map((name) => ({ required: [name] })) };
}

export function named(names: readonly string[], schema: JsonObject): JsonObject {
  return Object.fromEntries(names.map((name): [string, Json] => [name, schema]));
}

const versionNames = ['version', 'version_uuid'];
const threadNames = ['topic', 'thread', 'thread_uuid', 'topic_uuid'];

/**
 * Schemas of the objects of an upload, by name.
 * @param isProjectNeeded whether each has to name its project.
 */
export function objectSchemas(
  isProjectNeeded: boolean,
): Record<'NewEntry' | 'NewTopic' | 'NewComment', JsonObject> {
  return {
    NewEntry: objectSchema(isProjectNeeded, {
      description:
        'A version of an entry: an original, or, with `modifies`, an edit. With `content` and `clip_id` null an edit deletes the row.',
      types: ['newentry'],
      uuids: [
        ['report', 'report_uuid'],
        ['entry', 'entry_uuid'],
      ],
      properties: {},
      rules: [{ if: { properties: { modifies: { type: 'null' } } }, then: originalEntry, else: editedEntry }],
    }),
    NewTopic: objectSchema(isProjectNeeded, {
      description: 'A version of a topic (a thread).',
      types: ['newtopic', 'newthread'],
      uuids: [threadNames],
      properties: { name: textOrNull, links: { type: ['array', 'null'] } },
      rules: [],
    }),
    NewComment: objectSchema(isProjectNeeded, {
      description: 'A version of a comment; one without a body deletes it.',
      types: ['newcomment'],
      uuids: [['comment', 'comment_uuid'], threadNames],
      properties: { parent: textOrNull, parent_uuid: textOrNull, body: textOrNull },
      rules: [],
    }),
  };
}

const originalEntry: JsonObject = {
  properties: {
    clip_id: { type: 'string' },
    content: { type: 'object', additionalProperties: { type: 'string' } },
    reason: { type: 'null' },
  },
  required: ['clip_id', 'content'],
};

const editedEntry: JsonObject = {
  properties: {
    modifies: { type: 'array', minItems: 1, items: uuidSchema },
    reason: { type: 'string' },
    clip_id: textOrNull,
    content: { type: ['object', 'null'], additionalProperties: textOrNull },
  },
  required: ['reason'],
};

interface ObjectSchema {
  readonly description: string;
  readonly types: readonly string[];
  /** The names of each uuid that it must have. */
  readonly uuids: readonly (readonly string[])[];
  readonly properties: JsonObject;
  readonly rules: readonly JsonObject[];
}

function objectSchema(
  isProjectNeeded: boolean,
  { description, types, uuids, properties, rules }: ObjectSchema,
): JsonObject {
  const allUuids = [versionNames, ...uuids];
  return {
    description,
    type: 'object',
    properties: {
      type: { enum: types },
      ...named(projectNames, projectSchema),
      ...named(allUuids.flat(), uuidSchema),
      archivetime: orNull(vectorSchema),
      authortime: orNull(timeSchema),
      ...properties,
    },
    required: ['type'],
    allOf: [...(isProjectNeeded ? [projectNames] : []), ...allUuids].map(oneOfNames).concat(rules),
  };
}
