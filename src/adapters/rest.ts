// The adapter of the REST interface: what there is of projects, as JSON, for scripts and services that don't speak a wire of their
// own. It answers what lies under /api/projects, and the documents that describe it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Project } from '../core/project.ts';
import type { Projects } from '../core/projects.ts';
import { upload } from '../core/upload.ts';
import { RejoinError, messageOf } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { objectKinds } from '../model/objects.ts';
import { anonymous } from '../model/origin.ts';
import type { ProjectId } from '../model/project-id.ts';
import { printVersionVector } from '../model/version-vector.ts';
import { asyncApi } from '../wire/rest/asyncapi.ts';
import { openApi } from '../wire/rest/openapi.ts';
import { parseEscapedId, parseRestPath, type ProjectPart, type RestRoute } from '../wire/rest/path.ts';
import { linesOfJson, serverSentEvents } from '../wire/rest/print-change.ts';
import { noParameters, parseLastEventId, parseQuery, queries } from '../wire/rest/query.ts';
import { parseUploadBody, uploadBytesMax } from '../wire/rest/upload.ts';
import type { AccessRules } from './access.ts';
import { Body } from './body.ts';
import { ChangeFollower } from './change-follower.ts';
import { sendJson, statusOf } from './http.ts';
import type { AdapterLog } from './log.ts';
import { admitOrigin, answerPreflight } from './rest-cors.ts';
import { catalogueReply, deletedReply, projectReply } from './rest-replies.ts';
import { readComments, readRows, readThreads } from './rest-views.ts';

export interface RestOptions {
  readonly projects: Projects;
  readonly log: AdapterLog;
  /** A larger body is refused, as is one that is larger than a frame of `/ws`. */
  readonly bodyBytesMax: number;
}

/** What `Retry-After` says when nothing can be written at the moment: the disk is tried about as often. */
const retryAfterSeconds = 5;
/** How often whoever follows changes as events is told that the connection lives. */
const keepAliveMs = 15_000;

const allowedMethods: Readonly<Record<Exclude<RestRoute['type'], 'nowhere'>, string>> = {
  projects: 'GET',
  project: 'GET, DELETE',
  objects: 'POST',
  entries: 'GET',
  threads: 'GET',
  comments: 'GET',
  changes: 'GET',
  document: 'GET',
  undelete: 'POST',
  openapi: 'GET',
  asyncapi: 'GET',
};

type PartRoute = Extract<RestRoute, { type: Exclude<ProjectPart, 'changes'> }>;
type ProjectInfo = NonNullable<Project['info']>;

/** One request, as far as every call needs it. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** GET for HEAD. */
  readonly method: string;
}

export class RestAdapter {
  private readonly followers = new Set<ChangeFollower>();
  private isEnding = false;

  constructor(private readonly options: RestOptions) {}

  /** Answers a request if it is one of the interface's. @returns the kind of its route, or null if it wasn't. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    rules: AccessRules,
  ): Promise<RestRoute['type'] | null> {
    let route: RestRoute | undefined;
    const [path = '', ...search] = (request.url ?? '').split('?');
    if (!path.startsWith('/api/')) return null;
    try {
      route = parseRestPath(path);
      if (!route) return null;
      admitOrigin(request, response, rules);
      const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
      await this.answer(route, {
        request,
        response,
        query: new URLSearchParams(search.join('?')),
        method,
      });
    } catch (error) {
      await this.refuse(response, error);
    }
    return route?.type ?? 'nowhere';
  }

  /** Says to all who follow changes that the server stops. */
  end(): void {
    this.isEnding = true;
    for (const follower of this.followers) follower.end(stopping());
  }

  private async answer(route: RestRoute, call: Call): Promise<void> {
    const { request, response, method } = call;
    response.setHeader('Cache-Control', 'no-store');
    if (route.type === 'nowhere')
      throw new RejoinError('not-found', `There is nothing at ${request.url ?? ''}`);
    const allowed = allowedMethods[route.type];
    if (method === 'OPTIONS') {
      answerPreflight(request, response, `${allowed}, OPTIONS`);
      return;
    }
    if (!allowed.split(', ').includes(method)) {
      response.setHeader('Allow', `${allowed}, OPTIONS`);
      throw new RejoinError('method-not-allowed', `${method} is not possible here: use ${allowed}`);
    }
    if (route.type === 'changes') await this.follow(route.id, call);
    else await sendJson(response, 200, await this.reply(route, call));
  }

  private reply(route: Exclude<RestRoute, { type: 'nowhere' | 'changes' }>, call: Call): Promise<JsonObject> {
    switch (route.type) {
      case 'projects':
        return this.list(call);
      case 'openapi':
        parseQuery(noParameters, call.query);
        return Promise.resolve(openApi());
      case 'asyncapi':
        parseQuery(noParameters, call.query);
        return Promise.resolve(asyncApi());
      case 'project':
        return call.method === 'DELETE' ? this.delete(route.id, call) : this.describe(route.id, call);
      default:
        return this.replyOf(route, call);
    }
  }

  private replyOf(route: PartRoute, call: Call): Promise<JsonObject> {
    const { type, id } = route;
    switch (type) {
      case 'objects':
        return this.upload(id, call);
      case 'entries': {
        const query = parseQuery(queries.entries, call.query);
        return this.existing(id, (project) => readRows(project, query));
      }
      case 'threads': {
        const query = parseQuery(queries.threads, call.query);
        return this.existing(id, (project) => readThreads(project, query));
      }
      case 'comments': {
        const query = parseQuery(queries.comments, call.query);
        return this.existing(id, (project) => readComments(project, query));
      }
      case 'document':
        parseQuery(noParameters, call.query);
        return this.existing(id, async (project) => {
          const { vector, document } = await project.readDocument();
          return { project: id, vector: printVersionVector(vector), document };
        });
      case 'undelete':
        return this.undelete(id, call);
    }
  }

  private async list({ query }: Call): Promise<JsonObject> {
    const { projects } = this.options;
    return catalogueReply(await projects.list(parseQuery(queries.projects, query)), (id) =>
      projects.isOpen(id),
    );
  }

  private describe(id: ProjectId, { query }: Call): Promise<JsonObject> {
    parseQuery(noParameters, query);
    return this.existing(id, async (project, info) => projectReply(id, info, await project.summary()));
  }

  private delete(id: ProjectId, { request, query }: Call): Promise<JsonObject> {
    parseQuery(noParameters, query);
    checkConfirmation(id, request.headers['confirm-delete']);
    return this.existing(id, async (project, info) => {
      await project.delete();
      return deletedReply(project.info ?? info);
    });
  }

  private undelete(id: ProjectId, { query }: Call): Promise<JsonObject> {
    parseQuery(noParameters, query);
    return this.known(id, async (project, before) => {
      await project.undelete();
      return projectReply(id, project.info ?? before, await project.summary());
    });
  }

  private async upload(id: ProjectId, { request, query }: Call): Promise<JsonObject> {
    parseQuery(noParameters, query);
    const body = await Body.read(request, Math.min(this.options.bodyBytesMax, uploadBytesMax));
    const objects = await parseUploadBody(await body.takeJson(), id, otherWork);
    const { projects } = this.options;
    return projects.use(id, async (project) => {
      await upload(projects, objects, { protocol: 'stream', user: anonymous });
      return { uploaded: objects.length, vector: printVersionVector(project.durableVector) };
    });
  }

  private async follow(id: ProjectId, { request, response, query }: Call): Promise<void> {
    const { since, live, kinds } = parseQuery(queries.changes, query);
    const lastId = request.headers['last-event-id'];
    const known = typeof lastId === 'string' && lastId !== '' ? parseLastEventId(lastId) : since;
    const format = request.headers.accept?.includes('text/event-stream') ? serverSentEvents : linesOfJson;
    if (this.isEnding) throw stopping();
    await this.existing(id, async (project) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { 'Content-Type': format.contentType }).end();
        return;
      }
      const objects = objectKinds.filter((kind) => kinds.has(kind));
      const feed = await project.select({
        objects: objects.map((kind) => ({ kind, since: known, match: null })),
        udt: kinds.has('patch') ? known : null,
      });
      const options = { projectId: id, format, since: known, isLive: live, keepAliveMs };
      const follower = new ChangeFollower(response, feed, options);
      this.followers.add(follower);
      if (this.hasEnded()) follower.end(stopping());
      try {
        await follower.run();
      } finally {
        this.followers.delete(follower);
      }
    });
  }

  /** A method, because it changes while `follow` waits. */
  private hasEnded(): boolean {
    return this.isEnding;
  }

  /** Runs a call on a project that exists. @throws RejoinError `not-found`, `deleted`. */
  private existing<T>(id: ProjectId, call: (project: Project, info: ProjectInfo) => Promise<T>): Promise<T> {
    return this.known(id, (project, info) => {
      if (info.tombstone) throw new RejoinError('deleted', `The project ${JSON.stringify(id)} was deleted`);
      return call(project, info);
    });
  }

  /** Also on one that was deleted. @throws RejoinError `not-found`. */
  private known<T>(id: ProjectId, call: (project: Project, info: ProjectInfo) => Promise<T>): Promise<T> {
    return this.options.projects.find(id, (project) => {
      const info = project?.info;
      if (!project || !info)
        throw new RejoinError('not-found', `There is no project ${JSON.stringify(id)} here`);
      return call(project, info);
    });
  }

  private async refuse(response: ServerResponse, error: unknown): Promise<void> {
    const known = error instanceof RejoinError;
    if (known) this.options.log.refused('rest', error);
    else this.options.log.defect('rest', error);
    if (response.headersSent) {
      response.destroy(); // whoever reads it must not take it for whole
      return;
    }
    const code = known ? error.code : 'internal';
    const message = known ? error.message : `An error of the server: ${messageOf(error)}`;
    response.setHeader('Cache-Control', 'no-store');
    if (code === 'unavailable') response.setHeader('Retry-After', retryAfterSeconds);
    await sendJson(response, statusOf(code), { error: { code, message } });
  }
}

/** Nobody sees a project any more that is deleted: whoever does it says its id twice. */
function checkConfirmation(id: ProjectId, confirmation: string | readonly string[] | undefined): void {
  const field = 'the header Confirm-Delete';
  if (typeof confirmation === 'string' && parseEscapedId(confirmation, field) === id) return;
  throw new RejoinError(
    'bad-request',
    `To confirm that the project is to be deleted, send ${field} with the id of the project, percent-encoded: ${encodeURIComponent(id)}`,
  );
}

function stopping(): RejoinError {
  return new RejoinError('unavailable', 'The server stops: come back with what you have seen');
}
