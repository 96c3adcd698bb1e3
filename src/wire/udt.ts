// What UDT's clients send: where their requests go, and what is in them.

import { z } from 'zod';
import { RejoinError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { userNameUnitsMax } from '../model/origin.ts';
import { parseTime } from '../model/time.ts';

export type UdtRoute =
  | { readonly type: 'sessions'; readonly prefix: string }
  | { readonly type: 'session'; readonly id: string }
  | { readonly type: 'diffs'; readonly id: string }
  | { readonly type: 'download'; readonly id: string }
  /** `sample` is an index or an `_id`. */
  | { readonly type: 'sample'; readonly id: string; readonly sample: string }
  | { readonly type: 'nowhere' };

/**
 * The route of a request's path, or undefined if it isn't one of UDT's; `nowhere` is one below theirs. Clients
 * concatenate the base URL, so any prefix and doubled slashes are fine (UDT-7).
 * @throws RejoinError `bad-request` for a bad escape.
 */
export function parseUdtPath(path: string): UdtRoute | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const at = parts.findIndex((part, i) => part === 'api' && parts[i + 1] === 'session');
  if (at < 0) return undefined;
  const [id, call, ...rest] = parts.slice(at + 2);
  if (id === undefined)
    return {
      type: 'sessions',
      prefix: parts
        .slice(0, at)
        .map((part) => `/${part}`)
        .join(''),
    };
  if (call === undefined) return { type: 'session', id: decodeId(id) };
  const [argument, ...more] = rest;
  if ((call === 'diffs' || call === 'download') && argument === undefined)
    return { type: call, id: decodeId(id) };
  if (call === 'sample' && argument !== undefined && more.length === 0)
    return { type: 'sample', id: decodeId(id), sample: decodeId(argument, 'sample') };
  return { type: 'nowhere' };
}

/** Which generation of the client asks: one that a prefix names, else the one whose library accepts `text/plain`. */
export function parseDialect(path: string, accept: string | undefined): 'v1' | 'v2' {
  const [prefix = ''] = path.split('/api/session', 1);
  const named = prefix.split('/').findLast((part) => part === 'v1' || part === 'v2');
  if (named === 'v1' || named === 'v2') return named;
  return accept?.includes('text/plain') ? 'v2' : 'v1';
}

function decodeId(part: string, what = 'session id'): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RejoinError('bad-request', `The ${what} ${JSON.stringify(part)} has a bad escape`);
  }
}

/**
 * `since` of a poll: a version, or a time, which is UTC unless it says otherwise. Any integer will do, also one that was
 * never a version: it is answered with a rebuild (UDT-10), while an error would end the client's polling for good.
 */
export function parseSince(since: string | null): number | Date {
  if (since !== null && /^-?\d{1,40}$/.test(since)) return Number(since);
  if (since !== null && /^\d{4}-/.test(since)) return new Date(parseTime(since, '"since"'));
  throw new RejoinError('bad-request', '"since" should be a version (an integer) or an ISO date');
}

export interface NewSession {
  readonly udt: JsonObject;
  readonly userName: string | undefined;
}

/** The body of `POST /api/session`. @throws RejoinError `bad-request`. */
export function parseNewSession(body: Json): NewSession {
  if (!isJsonObject(body) || body.udt === undefined) throw badRequest('Body should have "udt" key');
  if (!isJsonObject(body.udt)) throw badRequest('"udt" should be an object: a UDT project file');
  return { udt: body.udt, userName: parseUserName(body.userName) };
}

/** Visible ASCII, as header values are. */
const idempotencyKeyPattern = /^[\x21-\x7e]{1,256}$/;

/** The `Idempotency-Key` header of a PATCH, if there is one. @throws RejoinError `bad-request`. */
export function parseIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && idempotencyKeyPattern.test(header)) return header;
  throw badRequest('"Idempotency-Key" should have 1 to 256 characters of visible ASCII, without spaces');
}

export interface PatchRequest {
  readonly operations: readonly Operation[];
  readonly userName: string | undefined;
  /** The version of the state that the patch was made against, as `session_state_id` had it (UDT-11). */
  readonly against: number | undefined;
}

/** Thousands of times what UDT sends at once. Each operation may have to shift a long array. */
export const patchOperationsMax = 200_000;

/**
 * The body of `PATCH /api/session/:id`.
 * @throws RejoinError `bad-request`; `too-large` for more than `patchOperationsMax` operations.
 */
export function parsePatchRequest(body: Json): PatchRequest {
  if (!isJsonObject(body) || body.patch === undefined) throw badRequest('Body should have "patch" key');
  if (!Array.isArray(body.patch)) throw badRequest('"patch" should be a list of JSON Patch operations');
  if (body.patch.length > patchOperationsMax)
    throw new RejoinError('too-large', `A patch may have ${patchOperationsMax} operations at most`);
  const operations = body.patch.map((operation: Json, index) => parseOperation(operation, index));
  const against = parseStateId(body.mySessionStateId);
  return { operations, userName: parseUserName(body.userName), against };
}

/** @throws RejoinError `conflict` for what can't be one of ours. */
function parseStateId(id: Json | undefined): number | undefined {
  if (id === undefined || id === null || id === '') return undefined;
  const digits = typeof id === 'number' ? String(id) : id;
  if (typeof digits === 'string' && /^\d{1,16}$/.test(digits)) return Number(digits);
  throw new RejoinError(
    'conflict',
    '"mySessionStateId" should be the session_state_id of a state that was read here: read the session again',
  );
}

const path = z.string();
const value = z.custom<Json>((given) => given !== undefined, 'is missing');
const operationShape = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path, value }),
  z.object({ op: z.literal('remove'), path }),
  z.object({ op: z.enum(['move', 'copy']), path, from: path }),
]);

function parseOperation(operation: Json, index: number): Operation {
  const parsed = operationShape.safeParse(operation);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  if (field === '') throw badRequest(`Operation ${index} should be an object`);
  if (field === 'op')
    throw badRequest(`"op" of operation ${index} should be add, remove, replace, move, copy or test`);
  const wanted = field === 'value' ? 'be given' : 'be a string: a JSON Pointer';
  throw badRequest(`"${field}" of operation ${index} should ${wanted}`);
}

function parseUserName(userName: Json | undefined): string | undefined {
  if (userName === undefined || userName === null || userName === '') return undefined;
  if (typeof userName !== 'string') throw badRequest('"userName" should be a string');
  if (userName.length > userNameUnitsMax)
    throw badRequest(`"userName" should have at most ${userNameUnitsMax} characters`);
  return userName;
}

function badRequest(message: string): RejoinError {
  return new RejoinError('bad-request', message);
}
