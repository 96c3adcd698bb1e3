// The calls of UDT's REST API, as its v1 client makes them.

import { z } from 'zod';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Operation } from '../../../src/model/json-patch.ts';
import { patienceMs } from './within.ts';

const json = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null);
const operations = z.array(z.custom<Operation>());
const sessionShape = z.object({ short_id: z.string(), version: z.number(), udt_json: json });
const latestShape = z.object({ latestVersion: z.number(), hashOfLatestState: z.number() });
const diffsShape = latestShape.extend({ patches: z.array(operations) });

export async function createSession(url: string, udt: JsonObject): Promise<string> {
  const reply = await call(`${url}/api/session`, 'POST', { udt });
  return z.object({ short_id: z.string() }).parse(reply).short_id;
}

export async function getSession(url: string, id: string): Promise<z.infer<typeof sessionShape>> {
  return sessionShape.parse(await call(`${url}/api/session/${id}`, 'GET'));
}

export async function patchSession(
  url: string,
  id: string,
  patch: readonly Operation[],
): Promise<z.infer<typeof latestShape>> {
  return latestShape.parse(await call(`${url}/api/session/${id}`, 'PATCH', { patch, userName: 'campaign' }));
}

export async function getDiffs(url: string, id: string, since: number): Promise<z.infer<typeof diffsShape>> {
  return diffsShape.parse(await call(`${url}/api/session/${id}/diffs?since=${since}`, 'GET'));
}

/** The server answered, but not with 200. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call(url: string, method: string, body?: object): Promise<unknown> {
  // A connection that is kept may be one to the server that was killed.
  for (let triesLeft = method === 'GET' ? 3 : 1; ; triesLeft--) {
    try {
      return await request(url, method, body);
    } catch (error) {
      if (error instanceof Refusal || triesLeft <= 1) throw error;
    }
  }
}

async function request(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(patienceMs),
    ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}),
  });
  const text = await response.text();
  if (response.status !== 200)
    throw new Refusal(response.status, `${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}
