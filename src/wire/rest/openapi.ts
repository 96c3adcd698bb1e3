// The OpenAPI document of the REST interface, made of the shapes that parse queries and bodies and of those of the answers. The
// REST adapter serves it.

import { z } from 'zod';
import { RejoinError } from '../../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts';
import { streamLimits } from '../stream/messages.ts';
import { answers, type AnswerName } from './answers.ts';
import { refTo, serverSchemas } from './message-schemas.ts';
import { beyondSchemas, objectSchemas, vectorSchema } from './object-schemas.ts';
import { noParameters, queries, type Parameter, type Parameters } from './query.ts';

export function openApi(): JsonObject {
  return {
    openapi: '3.1.1',
    info: {
      title: 'rejoin: projects',
      version: '1.0.0',
      description:
        'What there is of projects, as JSON. Every error has a code that a program can act on, and a message that a person can.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/api/projects': {
        get: operation('listProjects', 'Which projects there are', queries.projects, 'Projects', [400, 403]),
      },
      '/api/projects/{id}': {
        parameters: [idParameter],
        get: operation(
          'readProject',
          'One project: how far, how much, who was last',
          noParameters,
          'Project',
          ofProject,
        ),
        delete: {
          ...operation('deleteProject', 'Deletes a project, until it is undeleted', noParameters, 'Deleted', [
            ...ofProject,
            500,
            503,
          ]),
          parameters: [confirmation],
        },
      },
      '/api/projects/{id}/objects': {
        parameters: [idParameter],
        post: {
          ...operation(
            'uploadObjects',
            'Uploads objects: all are stored or none',
            noParameters,
            'Uploaded',
            [400, 403, 410, 413, 500, 503],
          ),
          description: `They are on disk when this is answered. An object whose version is known is dropped, so that an upload may be sent again. Refused though no schema says so: ${beyondSchemas.join(' ')}`,
          requestBody: { required: true, content: json(uploadBody) },
        },
      },
      '/api/projects/{id}/entries': partOf(
        'readEntries',
        'Current rows with their conflicts',
        queries.entries,
        'Rows',
      ),
      '/api/projects/{id}/threads': partOf('readThreads', 'Threads', queries.threads, 'Threads'),
      '/api/projects/{id}/comments': partOf('readComments', 'Comments', queries.comments, 'Comments'),
      '/api/projects/{id}/changes': {
        parameters: [idParameter],
        get: {
          ...operation(
            'followChanges',
            'All changes, then what happens',
            queries.changes,
            'Error',
            ofProject,
          ),
          parameters: [...parametersOf(queries.changes), lastEventId],
          responses: { 200: changes, ...errors(ofProject) },
        },
      },
      '/api/projects/{id}/document': partOf('readDocument', 'The whole document', noParameters, 'Document'),
      '/api/projects/{id}/undelete': {
        parameters: [idParameter],
        post: operation(
          'undeleteProject',
          'Brings a deleted project back as it was',
          noParameters,
          'Project',
          [...ofProject, 409, 500, 503],
        ),
      },
      '/api/openapi.json': { get: description('readOpenApi', 'This document') },
      '/api/asyncapi.json': { get: description('readAsyncApi', 'The AsyncAPI document of /ws') },
    },
    components: { schemas: schemas() },
  };
}

/** What goes wrong with a call on a project that has to exist. */
const ofProject = [400, 403, 404, 410];

const idParameter: JsonObject = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the project, percent-encoded; a slash in it is %2F.',
  schema: { type: 'string', minLength: 1 },
};

const confirmation: JsonObject = {
  name: 'Confirm-Delete',
  in: 'header',
  required: true,
  description: 'The id of the project again, percent-encoded.',
  schema: { type: 'string' },
};

const lastEventId: JsonObject = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'The id of the last event that was seen, as an EventSource sends it. It wins over `since`.',
  content: json(vectorSchema),
};

const uploadBody: JsonObject = {
  type: 'object',
  properties: {
    objects: {
      type: 'array',
      maxItems: streamLimits.objectsPerUploadMax,
      items: { oneOf: Object.keys(objectSchemas(false)).map(refTo) },
    },
  },
  required: ['objects'],
};

const changes: JsonObject = {
  description:
    'One change a line, or one an event; when all there was has been sent, one `sync`; then changes as they happen. If it has to end, an `error` says why.',
  content: {
    'application/x-ndjson': { schema: refTo('Change') },
    'text/event-stream': { schema: { type: 'string' } },
  },
};

function partOf(
  operationId: string,
  summary: string,
  parameters: Parameters,
  answer: AnswerName,
): JsonObject {
  return {
    parameters: [idParameter],
    get: operation(operationId, summary, parameters, answer, ofProject),
  };
}

function operation(
  operationId: string,
  summary: string,
  parameters: Parameters,
  answer: AnswerName,
  statuses: readonly number[],
): JsonObject {
  return {
    operationId,
    summary,
    parameters: parametersOf(parameters),
    responses: { 200: { description: summary, content: json(refTo(answer)) }, ...errors(statuses) },
  };
}

function description(operationId: string, summary: string): JsonObject {
  return {
    operationId,
    summary,
    responses: { 200: { description: summary, content: json({ type: 'object' }) }, ...errors([400, 403]) },
  };
}

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } };
}

const meanings: Readonly<Record<number, string>> = {
  400: 'Something in the request is wrong; nothing was changed',
  403: 'Pages of this origin are not allowed here',
  404: 'There is no such project',
  410: 'The project was deleted',
  409: 'The project is not deleted',
  413: 'More than what is taken at once',
  500: 'It failed on its way to the disk: the outcome is unknown',
  503: 'Nothing was written; try again after Retry-After',
};

function errors(statuses: readonly number[]): JsonObject {
  const answered = statuses.map((status): [string, Json] => [
    String(status),
    { description: meanings[status] ?? '', content: json(refTo('Error')) },
  ]);
  return Object.fromEntries(answered);
}

function parametersOf(parameters: Parameters): JsonObject[] {
  return Object.entries(parameters).map(([name, parameter]) => parameterOf(name, parameter));
}

function parameterOf(name: string, { description, shape, form }: Parameter<unknown>): JsonObject {
  const schema = schemaOf(shape);
  const written: Record<typeof form, JsonObject> = {
    plain: { schema },
    json: { content: json(schema) },
    list: { schema, style: 'form', explode: false },
  };
  return { name, in: 'query', description, ...written[form] };
}

function schemas(): JsonObject {
  const named = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(answers)) named.add(shape, { id });
  const made = z.toJSONSchema(named, { uri: (id) => refNameOf(id) });
  const ofAnswers = Object.entries(made.schemas).map(([name, schema]): [string, Json] => [
    name,
    plain(schema),
  ]);
  const messages = serverSchemas('follower');
  const change = { oneOf: Object.keys(messages).map((name) => refTo(`Change${name}`)) };
  const ofChanges = Object.entries(messages).map(([name, schema]): [string, Json] => [
    `Change${name}`,
    schema,
  ]);
  return { ...Object.fromEntries([...ofAnswers, ...ofChanges]), Change: change, ...objectSchemas(false) };
}

function refNameOf(name: string): string {
  return `#/components/schemas/${name}`;
}

function schemaOf(shape: z.ZodType): JsonObject {
  return plain(z.toJSONSchema(shape, { io: 'input' }));
}

/** A schema as a part of the document, whose dialect it has. */
function plain(schema: object): JsonObject {
  const value: unknown = JSON.parse(JSON.stringify({ ...schema, $schema: undefined, $id: undefined }));
  if (isJsonObject(value)) return value;
  throw new RejoinError('internal', 'A schema is no object');
}
