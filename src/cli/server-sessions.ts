// Projects behind a running server, over UDT's REST API: the way of `import` and `export` while the data folder is in
// use.

import { z } from 'zod';
import { RejoinError, messageOf } from '../errors.ts';
import { printJson, printScalar } from '../files/udt-json.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { Sessions } from './sessions.ts';

/** @param url where the server runs; any path before UDT's own is kept. */
export function serverSessions(url: URL): Sessions {
  const base = url.href.replace(/\/+$/, '');
  return {
    create: async (udt, id) => {
      if (id !== undefined)
        throw new RejoinError(
          'usage',
          'A server gives the id itself: leave --project out, or import with --data',
        );
      const reply = await ask(`${base}/api/session`, base, bodyOf(udt));
      return parsed(reply, base, (value) => createdShape.parse(value).short_id);
    },
    read: async (id) => {
      const reply = await ask(`${base}/api/session/${encodeURIComponent(id)}`, base);
      return parsed(reply, base, (value) => sessionShape.parse(value).udt_json);
    },
    baseUrl: base,
    place: `the server at ${base}`,
  };
}

const createdShape = z.object({ short_id: z.string() });
const sessionShape = z.object({ udt_json: z.custom<JsonObject>((value) => isJsonObject(value)) });

function bodyOf(udt: JsonObject): string {
  try {
    return `{${printScalar('udt')}:${printJson(udt)}}`;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause; // longer than a string can be
    throw new RejoinError('too-large', 'It is too large to be sent: import it with --data', { cause });
  }
}

/** A GET, or a POST of a body. @returns the reply's text. @throws RejoinError whatever the server says. */
async function ask(url: string, base: string, body?: string): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      // Without text/plain: UDT's first dialect, which has whole documents.
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      body: body ?? null,
      redirect: 'manual',
    });
    text = await response.text();
  } catch (error) {
    const why =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new RejoinError('unavailable', `The server at ${base} does not answer: ${why}`, { cause: error });
  }
  if (response.status === 200) return text;
  const location = response.status < 400 ? response.headers.get('location') : null;
  const said =
    location === null ? (text.trim().split('\n')[0] ?? '').slice(0, 500) : `it has moved to ${location}`;
  const message = `The server at ${base} answers ${response.status}: ${said}`;
  throw new RejoinError(response.status === 404 ? 'not-found' : 'unavailable', message);
}

function parsed<T>(text: string, base: string, read: (value: unknown) => T): T {
  try {
    return read(JSON.parse(text));
  } catch (cause) {
    throw new RejoinError('unavailable', `What answers at ${base} is no rejoin server`, { cause });
  }
}
