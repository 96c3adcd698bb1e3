// The adapter of the Universal Data Tool's REST API, v1: sessions made, read, patched and polled. Its clients can't be
// changed, so every answer is just what they expect (docs/wires.md).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { RejoinError, messageOf } from '../errors.ts';
import { keyedRequest, type UdtAnswer } from '../core/idempotency.ts';
import type { Project } from '../core/project.ts';
import type { Projects } from '../core/projects.ts';
import type { UdtState } from '../core/udt-versions.ts';
import { isShortJson } from '../model/json-pieces.ts';
import type { JsonObject } from '../model/json.ts';
import { projectIdBytesMax } from '../model/project-id.ts';
import { anonymous } from '../model/origin.ts';
import { printTime } from '../model/time.ts';
import {
  parseIdempotencyKey,
  parseNewSession,
  parsePatchRequest,
  parseSince,
  parseUdtPath,
  type UdtRoute,
} from '../wire/udt.ts';
import { changeLogOf } from '../wire/udt-change-log.ts';
import { Body } from './body.ts';
import { compressedBytesMin, hasMatch, sendJson, sendSmallJson, sendText, statusOf } from './http.ts';
import type { AdapterLog } from './log.ts';

export interface UdtOptions {
  readonly projects: Projects;
  readonly log: AdapterLog;
  /** Serve every project, not only those with a `session` record. */
  readonly shareAll: boolean;
  /** The base URL that users reach the server at, without a trailing slash, for a request with this Host header. */
  readonly baseUrl: (host: string | undefined) => string;
  /** A larger body is refused (UDT-20). */
  readonly bodyBytesMax: number;
}

/** What `Retry-After` says when nothing can be written at the moment: the disk is tried about as often. */
const retryAfterSeconds = 5;

export class UdtAdapter {
  constructor(private readonly options: UdtOptions) {}

  /** Answers a request if it is one of UDT's. @returns the kind of its route, or null if it wasn't. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<UdtRoute['type'] | null> {
    let route: UdtRoute | undefined;
    try {
      route = parseUdtPath(url.pathname);
      if (!route) return null;
      if (request.method === 'GET' && route.type === 'diffs') {
        await this.sendDifferences(route, request, response, url);
        return route.type;
      }
      allowEveryOrigin(request, response);
      if (request.method === 'OPTIONS') response.writeHead(200).end();
      else await this.answer(route, request, response, url);
    } catch (error) {
      allowEveryOrigin(request, response);
      this.refuse(response, error);
    }
    return route?.type ?? 'nowhere';
  }

  private async answer(
    route: UdtRoute,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const { bodyBytesMax } = this.options;
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    response.setHeader('Cache-Control', 'no-store');
    switch (`${method} ${route.type}`) {
      case 'POST sessions':
        await sendJson(
          response,
          200,
          await this.create(await Body.read(request, bodyBytesMax), request, route),
        );
        return;
      case 'GET session':
        await this.sendSession(route, request, response);
        return;
      case 'PATCH session': {
        const key = parseIdempotencyKey(request.headers['idempotency-key']);
        const body = await Body.read(request, bodyBytesMax);
        await sendJson(response, 200, await this.session(route, (project) => this.patch(project, body, key)));
        return;
      }
      case 'GET diffs': {
        await this.sendDifferences(route, request, response, url); // asked by HEAD
        return;
      }
      default: {
        if (route.type === 'nowhere')
          throw new RejoinError('not-found', `There is nothing at ${url.pathname}`);
        const allowed = { sessions: 'POST', session: 'GET, PATCH', diffs: 'GET' }[route.type];
        response.setHeader('Allow', `${allowed}, OPTIONS`);
        const message = `${request.method ?? ''} is not possible here: use ${allowed}`;
        throw new RejoinError('method-not-allowed', message);
      }
    }
  }

  /** Most polls bring nothing new: they are to cost little. */
  private async sendDifferences(
    route: UdtRoute,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const since = parseSince(url.searchParams.get('since'));
    const differences = await this.session(route, (project) => this.poll(project, since));
    const isPlain =
      request.headers['access-control-request-private-network'] === undefined &&
      response.getHeaderNames().length === 0 &&
      isShortJson(differences, compressedBytesMin);
    if (isPlain && sendSmallJson(response, JSON.stringify(differences), pollHeaders)) return;
    allowEveryOrigin(request, response);
    response.setHeader('Cache-Control', 'no-store');
    await sendJson(response, 200, differences);
  }

  private async create(body: Body, request: IncomingMessage, route: UdtRoute): Promise<JsonObject> {
    const { udt, userName } = parseNewSession(await body.takeJson());
    const { projects, baseUrl } = this.options;
    const id = projects.newId();
    const origin = { protocol: 'udt', user: userName ?? anonymous } as const;
    const { version } = await projects.use(id, (project) => project.udt.createSession(udt, origin));
    const prefix = route.type === 'sessions' ? route.prefix : '';
    return { short_id: id, version, url: `${baseUrl(request.headers.host)}${prefix}/api/session/${id}` };
  }

  /** UDT-21: who has the state already is told so in a few bytes. */
  private async sendSession(
    route: UdtRoute,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { state, session } = await this.session(route, async (project) => {
      const state = await project.udt.read();
      return { state, session: sessionOf(project, state) };
    });
    const etag = this.etagOf(state);
    response
      .setHeader('ETag', etag)
      .setHeader('Cache-Control', 'no-cache')
      .setHeader('Vary', 'Accept-Encoding');
    if (hasMatch(request.headers['if-none-match'], etag)) response.writeHead(304).end();
    else await sendJson(response, 200, session); // the project may be closed meanwhile
  }

  /** Weak, because the bytes of one state differ with their encoding. The server id keeps equal versions of two servers apart. */
  private etagOf({ version, hash }: UdtState): string {
    const { serverId } = this.options.projects.context.life;
    return `W/"${serverId.toString(36)}-${stateId(version)}-${(hash >>> 0).toString(36)}"`;
  }

  private async patch(project: Project, body: Body, key: string | undefined): Promise<JsonObject> {
    const request = key === undefined ? undefined : await keyedRequest(key, body.chunks);
    const { operations, userName } = parsePatchRequest(await body.takeJson());
    const origin = { protocol: 'udt', user: userName ?? anonymous } as const;
    const answer =
      request === undefined
        ? project.udt.patch(operations, origin)
        : project.udt.patchOnce(operations, origin, request);
    return latest(await answer);
  }

  private async poll(project: Project, since: number | Date): Promise<JsonObject> {
    const { versions, latest: state } = await project.udt.after(since);
    const patches = versions.map(({ patch }) => patch);
    return { patch: patches.flat(), patches, changeLog: changeLogOf(versions), ...latest(state) };
  }

  /** Runs a call on a session. @throws RejoinError `not-found`, `deleted`. */
  private session<T>(route: UdtRoute, call: (project: Project) => Promise<T>): Promise<T> {
    const id = 'id' in route ? route.id : '';
    // Made only where it is thrown: an error costs as much as the rest of a poll.
    const notFound = (): RejoinError => new RejoinError('not-found', `Session "${id}" Not Found`);
    if (id === '' || Buffer.byteLength(id) > projectIdBytesMax) throw notFound();
    return this.options.projects.find(id, async (project) => {
      const info = project?.info;
      const isShared = info !== undefined && (info.session !== null || this.options.shareAll);
      if (!project || !isShared) throw notFound();
      if (info.tombstone) throw new RejoinError('deleted', `Session "${id}" was deleted`);
      return call(project);
    });
  }

  private refuse(response: ServerResponse, error: unknown): void {
    const known = error instanceof RejoinError;
    if (known) this.options.log.refused('udt', error);
    else this.options.log.defect('udt', error);
    const code = known ? error.code : 'internal';
    if (code === 'unavailable' && !response.headersSent) response.setHeader('Retry-After', retryAfterSeconds);
    sendText(response, statusOf(code), known ? error.message : `An error of the server: ${messageOf(error)}`);
  }
}

function sessionOf(project: Project, { record, version, view }: UdtState): JsonObject {
  const { info } = project;
  return {
    short_id: project.id,
    version,
    udt_json: view,
    patch: record?.patch ?? [],
    user_name: record?.user ?? info?.session?.user ?? anonymous,
    created_at: printTime(record?.timeMs ?? info?.createdMs ?? 0),
    session_state_id: stateId(version),
    previous_session_state_id: record ? stateId(version - 1) : null,
  };
}

function latest({ version, hash }: UdtAnswer): { latestVersion: number; hashOfLatestState: number } {
  return { latestVersion: version, hashOfLatestState: hash };
}

function stateId(version: number): string {
  return String(version);
}

const corsHeaders = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Credentials', 'true'],
  ['Access-Control-Allow-Methods', 'POST,GET,PUT,PATCH,DELETE,OPTIONS'],
  [
    'Access-Control-Allow-Headers',
    'X-Requested-With,Access-Control-Allow-Origin,X-HTTP-Method-Override,Content-Type,Authorization,Accept',
  ],
  ['Access-Control-Max-Age', '86400'],
] as const;
const pollHeaders: readonly string[] = [...corsHeaders.flat(), 'Cache-Control', 'no-store'];

/** UDT-6: pages of any origin are UDT's clients. */
function allowEveryOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) return;
  for (const [name, value] of corsHeaders) response.setHeader(name, value);
  if (/\bidempotency-key\b/i.test(headers['access-control-request-headers'] ?? '')) {
    const allowed = String(response.getHeader('Access-Control-Allow-Headers'));
    response.setHeader('Access-Control-Allow-Headers', `${allowed},Idempotency-Key`);
  }
  if (headers['access-control-request-private-network'] === 'true') {
    response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
}
