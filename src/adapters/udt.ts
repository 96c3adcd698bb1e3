// The adapter of the Universal Data Tool's REST API, of both generations: sessions made, read, patched and polled. Its clients
// can't be changed, so every answer is just what they expect (docs/wires.md).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { RejoinError, messageOf } from '../errors.ts';
import { keyedRequest } from '../core/idempotency.ts';
import type { Project } from '../core/project.ts';
import type { UdtDialect } from '../core/udt-reads.ts';
import type { Projects } from '../core/projects.ts';
import type { UdtState } from '../core/udt-versions.ts';
import { isShortJson } from '../model/json-pieces.ts';
import type { JsonObject } from '../model/json.ts';
import { projectIdBytesMax } from '../model/project-id.ts';
import { anonymous } from '../model/origin.ts';
import {
  parseDialect,
  parseIdempotencyKey,
  parseNewSession,
  parsePatchRequest,
  parseSince,
  parseUdtPath,
  type UdtRoute,
} from '../wire/udt.ts';
import { Body } from './body.ts';
import { compressedBytesMin, hasMatch, sendJson, sendSmallJson, sendText, statusOf } from './http.ts';
import type { AdapterLog } from './log.ts';
import { allowEveryOrigin, pollHeaders } from './udt-cors.ts';
import {
  createdReply,
  differencesReply,
  hashFor,
  nothingNewReply,
  patchReply,
  sessionReply,
  stateId,
} from './udt-replies.ts';

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

/** One request, as far as every call needs it. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly dialect: UdtDialect;
}

const allowedMethods = {
  sessions: 'POST',
  session: 'GET, PATCH',
  diffs: 'GET',
  download: 'GET',
  sample: 'GET',
} as const;

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
      const call = { request, response, url, dialect: parseDialect(url.pathname, request.headers.accept) };
      if (request.method === 'GET' && route.type === 'diffs') {
        await this.sendDifferences(route, call);
        return route.type;
      }
      allowEveryOrigin(request, response);
      if (request.method === 'OPTIONS') response.writeHead(200).end();
      else await this.answer(route, call);
    } catch (error) {
      allowEveryOrigin(request, response);
      this.refuse(response, error);
    }
    return route?.type ?? 'nowhere';
  }

  private async answer(route: UdtRoute, call: Call): Promise<void> {
    const { request, response, url } = call;
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    response.setHeader('Cache-Control', 'no-store');
    if (route.type === 'nowhere') throw new RejoinError('not-found', `There is nothing at ${url.pathname}`);
    if (!allowedMethods[route.type].split(', ').includes(method)) {
      response.setHeader('Allow', `${allowedMethods[route.type]}, OPTIONS`);
      const message = `${request.method ?? ''} is not possible here: use ${allowedMethods[route.type]}`;
      throw new RejoinError('method-not-allowed', message);
    }
    switch (route.type) {
      case 'sessions':
        await sendJson(response, 200, await this.create(route.prefix, call));
        return;
      case 'session':
        await (method === 'PATCH' ? this.sendPatched(route, call) : this.sendSession(route, call));
        return;
      case 'diffs':
        await this.sendDifferences(route, call); // asked by HEAD
        return;
      case 'download':
        await this.sendFile(route, call);
        return;
      case 'sample': {
        const sample = await this.session(route, (project) => project.udt.readSample(route.sample));
        if (sample === undefined)
          throw new RejoinError('not-found', `Sample ${JSON.stringify(route.sample)} Not Found`);
        await sendJson(response, 200, sample);
      }
    }
  }

  private async create(prefix: string, { request, dialect }: Call): Promise<JsonObject> {
    const body = await Body.read(request, this.options.bodyBytesMax);
    const { udt, userName } = parseNewSession(await body.takeJson());
    const { projects, baseUrl } = this.options;
    const id = projects.newId();
    const origin = { protocol: 'udt', user: userName ?? anonymous } as const;
    const { version } = await projects.use(id, (project) => project.udt.createSession(udt, origin));
    return createdReply(dialect, id, version, `${baseUrl(request.headers.host)}${prefix}/api/session/${id}`);
  }

  private async sendPatched(route: UdtRoute, { request, response, dialect }: Call): Promise<void> {
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    const body = await Body.read(request, this.options.bodyBytesMax);
    const answer = await this.session(route, async (project) => {
      const keyed = key === undefined ? undefined : await keyedRequest(key, body.chunks);
      const { operations, userName, against } = parsePatchRequest(await body.takeJson());
      const origin = { protocol: 'udt', user: userName ?? anonymous } as const;
      return project.udt.patch(operations, origin, { dialect, against, request: keyed });
    });
    await sendJson(response, 200, patchReply(dialect, answer));
  }

  /** Most polls bring nothing new: they are to cost little. */
  private async sendDifferences(route: UdtRoute, { request, response, url, dialect }: Call): Promise<void> {
    const since = parseSince(url.searchParams.get('since'));
    const differences = await this.session(route, (project) => project.udt.after(since, dialect));
    const isPlain =
      request.headers['access-control-request-private-network'] === undefined &&
      response.getHeaderNames().length === 0;
    if (isPlain && differences.versions.length === 0) {
      const text = nothingNewReply(dialect, differences.latest);
      if (sendSmallJson(response, text, pollHeaders)) return;
    }
    const reply = differencesReply(dialect, differences);
    if (isPlain && isShortJson(reply, compressedBytesMin)) {
      if (sendSmallJson(response, JSON.stringify(reply), pollHeaders)) return;
    }
    allowEveryOrigin(request, response);
    response.setHeader('Cache-Control', 'no-store');
    await sendJson(response, 200, reply);
  }

  private async sendSession(route: UdtRoute, call: Call): Promise<void> {
    const { dialect, response } = call;
    const { state, reply } = await this.session(route, async (project) => {
      const state = await (dialect === 'v2' ? project.udt.readSummary() : project.udt.read());
      return { state, reply: sessionReply(dialect, project, state) };
    });
    if (!this.isKnown(state, call)) await sendJson(response, 200, reply); // the project may be closed meanwhile
  }

  /** The UDT file: a `summary` in it would be none of the file's. */
  private async sendFile(route: UdtRoute, call: Call): Promise<void> {
    const { view, ...state } = await this.session(route, (project) => project.udt.read());
    if (this.isKnown(state, call)) return;
    const file = Object.entries(view).filter(([key]) => key !== 'summary');
    await sendJson(call.response, 200, Object.fromEntries(file));
  }

  /** UDT-21: who has the state already is told so in a few bytes. @returns whether that was so. */
  private isKnown(state: UdtState, { request, response, dialect }: Call): boolean {
    const etag = this.etagOf(state, dialect);
    response
      .setHeader('ETag', etag)
      .setHeader('Cache-Control', 'no-cache')
      .setHeader('Vary', 'Accept-Encoding');
    if (!hasMatch(request.headers['if-none-match'], etag)) return false;
    response.writeHead(304).end();
    return true;
  }

  /** Weak, because the bytes of one state differ with their encoding. The server id keeps equal versions of two servers apart. */
  private etagOf(state: UdtState, dialect: UdtDialect): string {
    const { serverId } = this.options.projects.context.life;
    const hash = hashFor(dialect, state) >>> 0;
    return `W/"${dialect}-${serverId.toString(36)}-${stateId(state.version)}-${hash.toString(36)}"`;
  }

  /** Runs a call on a session. @throws RejoinError `not-found`, `deleted`. */
  private session<T>(route: UdtRoute, call: (project: Project) => Promise<T>): Promise<T> {
    const id = 'id' in route ? route.id : '';
    // Made only where it is thrown: an error costs as much as the rest of a poll.
    const notFound = (): RejoinError => new RejoinError('not-found', `Session "${id}" Not Found`);
    if (id === '' || Buffer.byteLength(id) > projectIdBytesMax) throw notFound();
    return this.options.projects.find(id, async (project) => {
      const info = project?.info;
      // REP-14: first, because a project that was deleted before this server had any of it was nothing else here.
      if (info?.tombstone) throw new RejoinError('deleted', `Session "${id}" was deleted`);
      const isShared = info !== undefined && (info.session !== null || this.options.shareAll);
      if (!project || !isShared) throw notFound();
      return call(project);
    });
  }

  private refuse(response: ServerResponse, error: unknown): void {
    const known = error instanceof RejoinError;
    if (known) this.options.log.refused('udt', error);
    else this.options.log.defect('udt', error);
    const code = known ? error.code : 'internal';
    if (!response.headersSent) response.setHeader('Cache-Control', 'no-store');
    if (code === 'unavailable' && !response.headersSent) response.setHeader('Retry-After', retryAfterSeconds);
    sendText(response, statusOf(code), known ? error.message : `An error of the server: ${messageOf(error)}`);
  }
}
