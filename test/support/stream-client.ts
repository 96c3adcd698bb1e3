// A small client of `/ws`: keeps all that it receives, in order, and waits for messages instead of sleeping. Beside it,
// what clients upload.

import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Json, JsonObject } from '../../src/model/json.ts';

const waitMsMax = 30_000;

/** What ends a stream or answers a request. */
const answerTypes: readonly Json[] = ['sync', 'closed', 'uploaded', 'error'];

export class StreamClient {
  /** Everything received so far. */
  readonly messages: JsonObject[] = [];
  /** The same, as it came. */
  readonly texts: string[] = [];
  private readonly closed: Promise<number>;
  private readonly looking = new Set<() => void>();
  private muxIdsTaken = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.on('error', () => undefined); // `waitForClose` tells
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      this.texts.push(text);
      this.messages.push(JSON.parse(text) as JsonObject);
      for (const look of this.looking) look();
    });
    this.closed = new Promise((resolve) => socket.on('close', resolve));
  }

  /** @param socketUrl `ws://127.0.0.1:PORT`. */
  static async connect(socketUrl: string): Promise<StreamClient> {
    const client = new StreamClient(new WebSocket(`${socketUrl}/ws`));
    await new Promise((resolve, reject) => client.socket.on('open', resolve).on('error', reject));
    return client;
  }

  /** A mux_id that this client hasn't used. */
  newMuxId(): string {
    return `mux ${++this.muxIdsTaken}`;
  }

  /** An object or a text as a text frame, bytes as a binary one. */
  send(message: JsonObject | string | Uint8Array): void {
    const isFrame = typeof message === 'string' || message instanceof Uint8Array;
    this.socket.send(isFrame ? message : JSON.stringify(message));
  }

  /** Bytes as a frame that says it is text, or a part of one. */
  sendAsText(bytes: Uint8Array, isLastPart = true): void {
    this.socket.send(bytes, { binary: false, fin: isLastPart });
  }

  /** The first message that fits, of those that came or come after the first `from`. */
  waitFor(fits: (message: JsonObject) => boolean, from = 0): Promise<JsonObject> {
    return this.until(() => this.messages.slice(from).find(fits));
  }

  /** The first `count` objects of a stream. */
  waitForObjects(muxId: Json, count: number): Promise<JsonObject[]> {
    return this.until(() => {
      const objects = this.objectsOf(muxId);
      return objects.length >= count ? objects.slice(0, count) : undefined;
    });
  }

  /** Waits until a stream has brought the version with this uuid. */
  waitForVersion(muxId: Json, versionUuid: Json): Promise<JsonObject> {
    return this.waitFor((message) => message['mux_id'] === muxId && message['version_uuid'] === versionUuid);
  }

  /** Waits until the socket is closed. @returns the code it closed with. */
  async waitForClose(): Promise<number> {
    const late = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => reject(new Error(`not closed within ${waitMsMax} ms`)), waitMsMax);
      void this.closed.then(() => clearTimeout(timer));
    });
    return Promise.race([this.closed, late]);
  }

  /** Sends a request and waits for what answers it: `sync`, `closed`, `uploaded` or an `error`. */
  ask(message: JsonObject): Promise<JsonObject> {
    const from = this.messages.length;
    this.send(message);
    return this.waitFor((answer) => isAnswer(answer) && answer['mux_id'] === message['mux_id'], from);
  }

  /** Sends a text frame and waits for the next `error`. */
  askInText(text: string): Promise<JsonObject> {
    const from = this.messages.length;
    this.send(text);
    return this.waitFor(({ type }) => type === 'error', from);
  }

  /** Uploads under a new mux_id. @returns the answer, which may be an error. */
  upload(...objects: readonly JsonObject[]): Promise<JsonObject> {
    return this.ask({ type: 'upload', mux_id: this.newMuxId(), objects });
  }

  /** Uploads an object, and gives it back as it is streamed. */
  async uploadAndFetch(object: NewVersion): Promise<JsonObject> {
    const answer = await this.upload(object);
    if (answer['type'] !== 'uploaded') throw new Error(`not uploaded: ${JSON.stringify(answer)}`);
    const history = await this.fetch(object['project_id'] ?? null);
    const found = history.find(({ version_uuid }) => version_uuid === object.version_uuid);
    if (!found) throw new Error(`${object.version_uuid} is not streamed`);
    return found;
  }

  /** Opens a stream of all kinds, unless fields say otherwise, and waits for its answer. @returns its mux_id. */
  async subscribe(project: Json, fields: JsonObject = {}): Promise<string> {
    const muxId = this.newMuxId();
    await this.ask({ type: 'subscribe', mux_id: muxId, project_id: project, ...everyKind, ...fields });
    return muxId;
  }

  /** The history of all kinds, unless fields say otherwise: its objects. */
  async fetch(project: Json, fields: JsonObject = {}): Promise<JsonObject[]> {
    return (await this.fetchWithSync(project, fields)).objects;
  }

  /** The same, with the `sync` (or error) behind it. */
  async fetchWithSync(
    project: Json,
    fields: JsonObject = {},
  ): Promise<{ objects: JsonObject[]; sync: JsonObject }> {
    const muxId = this.newMuxId();
    const request = { type: 'fetch', mux_id: muxId, project_id: project, ...everyKind, ...fields };
    return { sync: await this.ask(request), objects: this.objectsOf(muxId) };
  }

  /** All that came for a mux_id. */
  of(muxId: Json): JsonObject[] {
    return this.messages.filter((message) => message['mux_id'] === muxId);
  }

  objectsOf(muxId: Json): JsonObject[] {
    return this.of(muxId).filter((message) => !isAnswer(message));
  }

  /** Goes without a word, as a client that loses its network. */
  cut(): void {
    this.socket.terminate();
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  private until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.looking.delete(lookAgain);
        clearTimeout(late);
      };
      const lookAgain = (): void => {
        const found = look();
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const fail = (why: string): void => {
        end();
        const last = this.texts.slice(-3).map((text) => text.slice(0, 200));
        reject(new Error(`${why}; the last of ${this.texts.length} messages: ${last.join(' ')}`));
      };
      const late = setTimeout(() => fail(`waited ${waitMsMax} ms in vain`), waitMsMax);
      this.looking.add(lookAgain);
      void this.closed.then((code) => fail(`the socket closed with ${code}`));
      lookAgain();
    });
  }
}

export const everyKind = { entries: '*', threads: '*', comments: '*' } as const;

export function isAnswer({ type }: JsonObject): boolean {
  return answerTypes.includes(type ?? null);
}

export function versionsOf(objects: readonly JsonObject[]): Json[] {
  return objects.map((object) => object['version_uuid'] ?? null);
}

/** A field that is a string. */
export function textOf(message: JsonObject, name: string): string {
  const value = message[name];
  if (typeof value !== 'string') throw new Error(`${name} is no string in ${JSON.stringify(message)}`);
  return value;
}

export function without(message: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(message).filter(([name]) => !names.includes(name)));
}

export function typesOf(messages: readonly JsonObject[]): Json[] {
  return messages.map(({ type }) => type ?? null);
}

/** Messages as text, mux_id aside. */
export function textsOf(messages: readonly JsonObject[]): string[] {
  return messages.map((message) => JSON.stringify({ ...message, mux_id: null }));
}

/** The highest seqno per server id: what a client that saw these objects sends as `since`. */
export function sinceOf(objects: readonly JsonObject[]): [number, number][] {
  const highest = new Map<number, number>();
  for (const object of objects) {
    const [serverId, seqno] = [Number(object['srv_id']), Number(object['seqno'])];
    highest.set(serverId, Math.max(seqno, highest.get(serverId) ?? 0));
  }
  return [...highest];
}

export type NewVersion = JsonObject & { readonly version_uuid: string };

const common = { archivetime: null, authortime: '2024-05-17T09:30:00.000Z' };

export function newEntry(project: Json, fields: JsonObject = {}): NewVersion {
  const uuids = { report_uuid: randomUUID(), entry_uuid: randomUUID(), version_uuid: randomUUID() };
  const original = { clip_id: 'A001', content: { camera: 'A' }, modifies: null, reason: null };
  return { type: 'newentry', project_id: project, ...uuids, ...original, ...common, ...fields };
}

export function newThread(project: Json, fields: JsonObject = {}): NewVersion {
  const uuids = { thread_uuid: randomUUID(), version_uuid: randomUUID() };
  return { type: 'newthread', project_id: project, ...uuids, name: 'Sound', links: [], ...common, ...fields };
}

export function newComment(project: Json, fields: JsonObject = {}): NewVersion {
  const uuids = { comment_uuid: randomUUID(), thread_uuid: randomUUID(), version_uuid: randomUUID() };
  return {
    type: 'newcomment',
    project_id: project,
    ...uuids,
    parent_uuid: null,
    body: 'Take 2',
    ...common,
    ...fields,
  };
}
