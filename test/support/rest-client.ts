// A small client of the REST interface, and a reader of the changes that it streams.

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Json, JsonObject } from '../../src/model/json.ts';

export interface RestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

/** @param path behind `/api`. */
export async function rest(url: string, path: string, options: RequestInit = {}): Promise<RestReply> {
  const response = await fetch(`${url}/api${path}`, options);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as JsonObject,
  };
}

export function pathOf(project: string, part = ''): string {
  return `/projects/${encodeURIComponent(project)}${part}`;
}

/** Uploads objects to a project. @returns the answer's version vector. */
export async function uploadTo(url: string, project: string, objects: readonly JsonObject[]): Promise<Json> {
  const { status, body } = await rest(url, pathOf(project, '/objects'), {
    method: 'POST',
    body: JSON.stringify({ objects }),
  });
  if (status !== 200) throw new Error(`not uploaded: ${JSON.stringify(body)}`);
  return body['vector'] ?? null;
}

export function deleteProject(url: string, project: string): Promise<RestReply> {
  const headers = { 'Confirm-Delete': encodeURIComponent(project) };
  return rest(url, pathOf(project), { method: 'DELETE', headers });
}

/** The code of an error that was answered. */
export function codeOf({ body }: RestReply): Json {
  return (body['error'] as JsonObject | undefined)?.['code'] ?? null;
}

export function messageIn({ body }: RestReply): string {
  const { message } = body['error'] as { readonly message: string };
  return message;
}

/** An event as an EventSource would give it out. */
export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: JsonObject;
}

const patienceMs = 30_000;

/** Follows `…/changes` as a program does that reads line by line. */
export class ChangesReader {
  /** All text so far. */
  text = '';
  hasEnded = false;
  private wake: () => void = () => undefined;

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.text += chunk;
      this.wake();
    });
    response.on('close', () => {
      this.hasEnded = true;
      this.wake();
    });
    response.on('error', () => undefined); // `close` follows
  }

  static async open(
    url: string,
    project: string,
    query = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ChangesReader> {
    const request = get(`${url}/api${pathOf(project, `/changes${query}`)}`, { headers });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    request.on('error', () => undefined);
    return new ChangesReader(response);
  }

  static openEvents(url: string, project: string, query = '', lastId?: string): Promise<ChangesReader> {
    const resumed = lastId === undefined ? {} : { 'Last-Event-ID': lastId };
    return ChangesReader.open(url, project, query, { Accept: 'text/event-stream', ...resumed });
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get lines(): JsonObject[] {
    const whole = this.text.split('\n').slice(0, -1);
    return whole.filter((line) => line !== '').map((line) => JSON.parse(line) as JsonObject);
  }

  get events(): ServerSentEvent[] {
    const whole = this.text.split('\n\n').slice(0, -1);
    return whole.filter((text) => !text.startsWith(':')).map(parseEvent);
  }

  /** Waits until what came is enough, or the answer has ended. */
  async until(isEnough: () => boolean): Promise<void> {
    const deadline = setTimeout(() => this.response.destroy(), patienceMs);
    while (!isEnough() && !this.hasEnded) await new Promise<void>((resolve) => (this.wake = resolve));
    clearTimeout(deadline);
    if (!isEnough()) throw new Error(`it ended after ${this.text.slice(-500)}`);
  }

  async untilLines(count: number): Promise<JsonObject[]> {
    await this.until(() => this.lines.length >= count);
    return this.lines;
  }

  async untilEvents(count: number): Promise<ServerSentEvent[]> {
    await this.until(() => this.events.length >= count);
    return this.events;
  }

  untilEnd(): Promise<void> {
    return this.until(() => this.hasEnded);
  }

  close(): void {
    this.response.destroy();
  }
}

function parseEvent(text: string): ServerSentEvent {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  return {
    id: fields.get('id') ?? '',
    event: fields.get('event') ?? '',
    data: JSON.parse(fields.get('data') ?? '') as JsonObject,
  };
}
