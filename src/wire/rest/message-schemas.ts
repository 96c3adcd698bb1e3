// JSON Schemas of the messages on `/ws`, in both directions. The AsyncAPI document shows them, and the OpenAPI document those of
// changes; tests hold the first half to what parses messages, and the second to what the server sends.

import { errorCodes } from '../../errors.ts';
import type { JsonObject } from '../../model/json.ts';
import { streamLimits } from '../stream/messages.ts';
import { muxIdLengthMax } from '../stream/mux-id.ts';
import { projectNames } from '../stream/uploaded-object.ts';
import {
  named,
  objectSchemas,
  oneOfNames,
  orNull,
  projectSchema,
  safeInteger,
  textOrNull,
  uuidSchema,
  vectorSchema,
} from './object-schemas.ts';

const muxIdSchema: JsonObject = {
  description: "The client's own name for a stream or an upload; every reply has it.",
  anyOf: [
    { type: 'string', maxLength: muxIdLengthMax },
    safeInteger,
    { type: 'number', not: { type: 'integer' } },
  ],
};

/** What clients send, by name. */
export function clientSchemas(): Record<string, JsonObject> {
  return {
    Subscribe: streamSchema('subscribe', 'History, one `sync`, then what happens.'),
    Fetch: streamSchema('fetch', 'History, and one `sync` that ends it.'),
    Close: {
      description: 'Ends a stream.',
      type: 'object',
      properties: { type: { const: 'close' }, mux_id: muxIdSchema },
      required: ['type', 'mux_id'],
    },
    Upload: {
      description: 'Objects, of which all are stored or none.',
      type: 'object',
      properties: {
        type: { const: 'upload' },
        mux_id: muxIdSchema,
        objects: {
          type: 'array',
          maxItems: streamLimits.objectsPerUploadMax,
          items: { oneOf: Object.keys(objectSchemas(true)).map(refTo) },
        },
      },
      required: ['type', 'mux_id', 'objects'],
    },
  };
}

function streamSchema(type: string, description: string): JsonObject {
  return {
    description: `${description} In the original vocabulary, or, where a selector is an object or \`topics\`, in the later one.`,
    type: 'object',
    properties: {
      type: { const: type },
      mux_id: muxIdSchema,
      ...named(projectNames, projectSchema),
      ...named(['users', 'projects', 'permissions'], { type: 'null' }),
    },
    required: ['type', 'mux_id'],
    if: later,
    then: { ...laterSelectors, ...namesProject },
    else: { ...originalSelectors, ...oneOfNames(projectNames) },
  };
}

/** Whether a request is in the later vocabulary. */
const later: JsonObject = {
  anyOf: [
    { properties: { topics: { not: { type: 'null' } } }, required: ['topics'] },
    ...['entries', 'comments', 'udt'].map((name) => ({
      properties: { [name]: { type: 'object' } },
      required: [name],
    })),
  ],
};

const originalSelectors: JsonObject = {
  properties: {
    since: orNull(vectorSchema),
    ...named(['entries', 'threads', 'comments', 'udt'], { enum: ['*', null] }),
  },
};

const laterSelectors: JsonObject = {
  properties: {
    since: { type: 'null' },
    threads: { type: 'null' },
    entries: orNull(selectorSchema(['report', 'user'])),
    topics: orNull(selectorSchema(['user'])),
    comments: orNull(selectorSchema(['topic', 'user'])),
    udt: { anyOf: [selectorSchema([]), { enum: ['*', null] }] },
  },
};

/** @param words what it can match by a uuid; a project it can match always. */
function selectorSchema(words: readonly string[]): JsonObject {
  return {
    type: 'object',
    properties: { since: orNull(vectorSchema) },
    anyOf: [
      { properties: { match: { type: 'null' }, value: { type: 'null' } } },
      {
        properties: { match: { const: 'project' }, value: projectSchema },
        required: ['match', 'value'],
      },
      ...(words.length === 0
        ? []
        : [
            {
              properties: { match: { enum: words }, value: { type: 'string', minLength: 1 } },
              required: ['match', 'value'],
            },
          ]),
    ],
  };
}

/** The project is named, or a selector leads to it. */
const namesProject: JsonObject = {
  anyOf: [
    ...projectNames.map((name) => ({ required: [name] })),
    leadsBy('entries', ['project', 'report']),
    leadsBy('topics', ['project']),
    leadsBy('comments', ['project', 'topic']),
    leadsBy('udt', ['project']),
  ],
};

function leadsBy(selector: string, words: readonly string[]): JsonObject {
  const schema = { type: 'object', properties: { match: { enum: words } }, required: ['match'] };
  return { properties: { [selector]: schema }, required: [selector] };
}

export function refTo(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** Which reader the messages are for: a stream on `/ws`, whose mux_id each has, or one that follows changes over HTTP. */
export type Reader = 'stream' | 'follower';

/** What the server sends of objects and of a stream's state, by name; in the original vocabulary, but for what has no names. */
export function serverSchemas(reader: Reader): Record<string, JsonObject> {
  const place = { ...placeFields, proj_id: projectSchema };
  return {
    Entry: messageSchema(reader, 'entry', 'A version of an entry.', {
      ...place,
      ...named(['report_uuid', 'entry_uuid', 'version_uuid'], uuidSchema),
      user_uuid: { type: 'string' },
      ...entryFields,
      ...authorFields,
    }),
    Thread: messageSchema(reader, 'thread', 'A version of a thread.', {
      ...place,
      ...named(['thread_uuid', 'version_uuid'], uuidSchema),
      user_uuid: { type: 'string' },
      ...threadFields,
      ...authorFields,
    }),
    Comment: messageSchema(reader, 'comment', 'A version of a comment.', {
      ...place,
      ...named(['comment_uuid', 'thread_uuid', 'version_uuid'], uuidSchema),
      parent_uuid: textOrNull,
      user_uuid: { type: 'string' },
      body: textOrNull,
      ...authorFields,
    }),
    Patch: messageSchema(reader, 'patch', patchDescription, { ...place, ...patchFields }),
    Sync: messageSchema(reader, 'sync', 'All that there was has been sent.', {
      since: { ...vectorSchema, description: 'The version vector the history was read at.' },
    }),
    ErrorMessage: messageSchema(
      reader,
      'error',
      'Something was refused, or a stream has ended.',
      { code: { enum: errorCodes }, message: { type: 'string' } },
      ['mux_id'],
    ),
  };
}

/** The same for streams that were asked for in the later vocabulary, as far as it has other names. */
export function laterServerSchemas(): Record<string, JsonObject> {
  const place = { ...placeFields, project: projectSchema };
  return {
    LaterEntry: messageSchema('stream', 'entry', 'A version of an entry.', {
      ...place,
      ...named(['report', 'entry', 'version'], uuidSchema),
      user: { type: 'string' },
      ...entryFields,
      ...authorFields,
    }),
    LaterTopic: messageSchema('stream', 'topic', 'A version of a topic.', {
      ...place,
      ...named(['topic', 'version'], uuidSchema),
      user: { type: 'string' },
      ...threadFields,
      ...authorFields,
    }),
    LaterComment: messageSchema('stream', 'comment', 'A version of a comment.', {
      ...place,
      ...named(['comment', 'topic', 'version'], uuidSchema),
      parent: textOrNull,
      user: { type: 'string' },
      body: textOrNull,
      ...authorFields,
    }),
    LaterPatch: messageSchema('stream', 'patch', patchDescription, { ...place, ...patchFields }),
  };
}

const patchDescription = 'What one change did to `udt`, as a JSON Patch.';

function messageSchema(
  reader: Reader,
  type: string,
  description: string,
  fields: JsonObject,
  optional: readonly string[] = [],
): JsonObject {
  const properties: JsonObject = {
    type: { const: type },
    ...(reader === 'stream' && { mux_id: muxIdSchema }),
    ...fields,
  };
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { description, type: 'object', properties, required };
}

/** What the server answers on `/ws` alone. */
export function answerSchemas(): Record<string, JsonObject> {
  const answer = (type: string, description: string): JsonObject => ({
    description,
    type: 'object',
    properties: { type: { const: type }, mux_id: muxIdSchema },
    required: ['type', 'mux_id'],
  });
  return {
    Closed: answer('closed', 'The stream has ended.'),
    Uploaded: answer('uploaded', 'The objects are on disk.'),
  };
}

const placeFields: JsonObject = {
  srv_id: { type: 'integer', minimum: 1, description: 'The server that has numbered it.' },
  seqno: { type: 'integer', minimum: 1, description: "Its number in that server's sequence." },
};

const time: JsonObject = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };

const authorFields: JsonObject = {
  user_id: { type: 'string' },
  archivetime: orNull(vectorSchema),
  authortime: time,
  submissiontime: time,
};

const entryFields: JsonObject = {
  clip_id: textOrNull,
  content: { type: ['object', 'null'], additionalProperties: textOrNull },
  modifies: { type: ['array', 'null'], items: uuidSchema },
  reason: textOrNull,
};

const threadFields: JsonObject = { name: textOrNull, links: { type: ['array', 'null'] } };

const patchFields: JsonObject = {
  patch: { type: 'array', items: { type: 'object', required: ['op', 'path'] } },
  user_name: { type: 'string' },
  time,
};
