// JSON Schemas of the messages on `/ws`, in both directions. The AsyncAPI document shows them, and the OpenAPI document those of
// changes; tests hold the first half to what parses messages, and the second to what the server sends.

import { errorCodes } from '../../errors.ts';
import type { Json, JsonObject } from '../../model/json.ts';
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

const everything: JsonObject = { enum: ['*', null] };

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
    description,
    type: 'object',
    properties: {
      type: { const: type },
      mux_id: muxIdSchema,
      ...named(projectNames, projectSchema),
      since: orNull(vectorSchema),
      entries: everything,
      threads: everything,
      topics: { type: 'null' },
      comments: everything,
    },
    required: ['type', 'mux_id'],
    allOf: [oneOfNames(projectNames)],
  };
}

export function refTo(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** Which reader the messages are for: a stream on `/ws`, whose mux_id each has, or one that follows changes over HTTP. */
export type Reader = 'stream' | 'follower';

/** What the server sends of objects and of a stream's state, by name. */
export function serverSchemas(reader: Reader): Record<string, JsonObject> {
  const message = (
    type: string,
    description: string,
    fields: JsonObject,
    optional: readonly string[] = [],
  ) => {
    const properties: JsonObject = {
      type: { const: type },
      ...(reader === 'stream' && { mux_id: muxIdSchema }),
      ...fields,
    };
    const required = Object.keys(properties).filter((name) => !optional.includes(name));
    return { description, type: 'object', properties, required };
  };
  const object = (type: string, description: string, fields: JsonObject) =>
    message(type, description, { ...placeFields, ...fields, ...authorFields });
  return {
    Entry: object('entry', 'A version of an entry.', entryFields),
    Thread: object('thread', 'A version of a thread.', threadFields),
    Comment: object('comment', 'A version of a comment.', commentFields),
    Sync: message('sync', 'All that there was has been sent.', {
      since: { ...vectorSchema, description: 'The version vector the history was read at.' },
    }),
    ErrorMessage: message(
      'error',
      'Something was refused, or a stream has ended.',
      { code: { enum: errorCodes }, message: { type: 'string' } },
      ['mux_id'],
    ),
  };
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

const placeFields: Readonly<Record<string, Json>> = {
  srv_id: { type: 'integer', minimum: 1, description: 'The server that has numbered it.' },
  seqno: { type: 'integer', minimum: 1, description: "Its number in that server's sequence." },
  proj_id: projectSchema,
};

const time: JsonObject = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };

const authorFields: Readonly<Record<string, Json>> = {
  version_uuid: uuidSchema,
  user_id: { type: 'string' },
  user_uuid: { type: 'string' },
  archivetime: orNull(vectorSchema),
  authortime: time,
  submissiontime: time,
};

const entryFields: JsonObject = {
  report_uuid: uuidSchema,
  entry_uuid: uuidSchema,
  clip_id: textOrNull,
  content: { type: ['object', 'null'], additionalProperties: textOrNull },
  modifies: { type: ['array', 'null'], items: uuidSchema },
  reason: textOrNull,
};

const threadFields: JsonObject = {
  thread_uuid: uuidSchema,
  name: textOrNull,
  links: { type: ['array', 'null'] },
};

const commentFields: JsonObject = {
  comment_uuid: uuidSchema,
  thread_uuid: uuidSchema,
  parent_uuid: textOrNull,
  body: textOrNull,
};
