// A UDT v1 client for tests, written from the rules and not from src: the four calls over fetch, with replies as the
// client wants them, or raw where a test looks at statuses and headers.

import * as assert from 'uvu/assert';
import stringify from 'json-stable-stringify';
import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';

export interface HttpReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface NewSession {
  readonly short_id: string;
  readonly version: number;
  readonly url: string;
}

export interface Session {
  readonly short_id: string;
  readonly version: number;
  readonly udt_json: JsonObject;
  readonly patch: readonly Operation[];
  readonly user_name: string;
  readonly created_at: string;
  readonly session_state_id: string;
  readonly previous_session_state_id: string | null;
}

export interface Latest {
  readonly latestVersion: number;
  readonly hashOfLatestState: number;
}

export interface Differences extends Latest {
  readonly patch: readonly Operation[];
  readonly patches: readonly (readonly Operation[])[];
  readonly changeLog: readonly Json[];
}

/** A client of one session. */
export class UdtClient {
  /** @param base the URL that the user has pasted; the client concatenates. */
  constructor(
    readonly base: string,
    readonly id: string,
  ) {}

  /** Makes a session of this `udt`. */
  static async create(base: string, udt: JsonObject): Promise<UdtClient> {
    const { short_id } = await createSession(base, { udt });
    return new UdtClient(base, short_id);
  }

  async get(): Promise<Session> {
    return expected(await this.tryGet()) as Session;
  }

  async patch(patch: readonly Operation[], userName?: string): Promise<Latest> {
    return expected(
      await this.tryPatch({ patch: [...patch], ...(userName !== undefined && { userName }) }),
    ) as Latest;
  }

  async diffs(since: number | string): Promise<Differences> {
    return expected(await this.tryDiffs(String(since))) as Differences;
  }

  tryGet(): Promise<HttpReply> {
    return call('GET', this.url);
  }

  /** @param body any JSON, or text that is sent as it is. */
  tryPatch(body: unknown): Promise<HttpReply> {
    return call('PATCH', this.url, body);
  }

  tryDiffs(since: string): Promise<HttpReply> {
    return call('GET', `${this.url}/diffs?since=${encodeURIComponent(since)}`);
  }

  private get url(): string {
    return `${this.base}/api/session/${encodeURIComponent(this.id)}`;
  }
}

/** The reply to a POST of this body. */
export async function createSession(base: string, body: unknown): Promise<NewSession> {
  return expected(await call('POST', `${base}/api/session`, body)) as NewSession;
}

/** @param body text and bytes are sent as they are, anything else as JSON. */
export async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpReply> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || body === undefined;
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: isRaw ? ((body ?? null) as BodyInit | null) : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** UDT-2, without any cleverness. */
export function plainHash(value: Json): number {
  const text = stringify(value) ?? '';
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = ((hash << 5) - hash + text.charCodeAt(i)) | 0;
  return hash;
}

/** The client rejects any other status. The tests check the shapes. */
function expected({ status, headers, text }: HttpReply): unknown {
  if (status !== 200) throw new Error(`status ${status}: ${text}`);
  const type = headers.get('content-type') ?? '';
  if (!type.startsWith('application/json')) throw new Error(`content type ${type}`);
  const parsed: unknown = JSON.parse(text);
  if (!isJsonObject(parsed)) throw new Error(`no object: ${text}`);
  return parsed;
}

/** Checks that a call is refused with this status and text, in the form that every refusal has (UDT-5, UDT-6). */
export async function refuses(
  method: string,
  url: string,
  body: unknown,
  status: number,
  text: string | RegExp,
) {
  const reply = await call(method, url, body);
  const isRight = typeof text === 'string' ? reply.text === text : text.test(reply.text);
  assert.ok(isRight, `${method} ${url}: ${reply.text}`);
  assert.is(reply.status, status);
  assert.is(reply.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.is(reply.headers.get('access-control-allow-origin'), '*', 'UDT-6');
  return reply;
}
