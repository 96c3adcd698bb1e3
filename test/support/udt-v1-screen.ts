// A person who annotates with UDT's v1 client: a silent state that follows the server, and a screen that changes only by a
// poll that brings something and by the person's own edits. Written from the public client and the rules, not from src.
//
// What makes it lose labels without UDT-8: an edit is sent as the difference between the silent state and the screen. A
// screen that lacks somebody's label, while the silent state has it, sends its removal.

import { setTimeout as sleep } from 'node:timers/promises';
import { createPatch } from 'rfc6902';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { Polling } from './polling.ts';
import {
  call,
  plainHash,
  type Differences,
  type Latest,
  type NewSession,
  type Session,
} from './udt-client.ts';
import { applyAsV1Client } from './v1-patch-library.ts';

interface ScreenOptions {
  /** Between a poll, or a change of the screen, and the next poll. */
  readonly pollingIntervalMs?: number;
  readonly userName?: string;
  /** How long it takes to compare hashes after its own PATCH, as with a large file on a slow machine. */
  readonly comparesMs?: number;
}

/** As the public client has it. */
export const v1PollingIntervalMs = 500;

export class V1Screen {
  /** What the person sees. */
  shown: JsonObject;
  /**
   * Everything was read again because the hash was another: after a poll, or after the client's own PATCH. A poll that such
   * a PATCH overtook isn't counted: its patches were for another state.
   */
  readonly refetchedAfter: ('poll' | 'patch')[] = [];
  /** What was sent, oldest first. */
  readonly sent: (readonly Operation[])[] = [];
  /** Polls that brought something. */
  fullPolls = 0;
  private readonly polling: Polling;

  private constructor(
    readonly base: string,
    readonly id: string,
    /** What the client thinks the server has. */
    private state: JsonObject,
    private version: number,
    { pollingIntervalMs = v1PollingIntervalMs, userName = 'somebody', comparesMs = 0 }: ScreenOptions,
  ) {
    this.shown = state;
    this.userName = userName;
    this.comparesMs = comparesMs;
    this.polling = new Polling(pollingIntervalMs, () => this.poll());
    this.polling.restart();
  }

  private readonly userName: string;
  private readonly comparesMs: number;

  /** Makes a session of a file. */
  static async create(base: string, udt: JsonObject, options: ScreenOptions = {}): Promise<V1Screen> {
    const { short_id, version } = (await ask('POST', `${base}/api/session`, { udt })) as NewSession;
    return new V1Screen(base, short_id, udt, version, options);
  }

  static async join(base: string, id: string, options: ScreenOptions = {}): Promise<V1Screen> {
    const { udt_json, version } = (await ask('GET', sessionUrl(base, id))) as Session;
    return new V1Screen(base, id, udt_json, version, options);
  }

  /** What the client has without showing it. */
  get silentState(): JsonObject {
    return this.state;
  }

  /** The person changes what the screen shows. Resolves when it is sent. @throws Error if it is refused. */
  async edit(change: (shown: JsonObject) => JsonObject): Promise<void> {
    this.show(change(this.shown));
    await this.send(this.shown);
  }

  /** The person labels the sample that is at this index on the screen. */
  label(index: number, annotation: Json): Promise<void> {
    return this.edit((shown) => withSample(shown, index, (sample) => ({ ...sample, annotation })));
  }

  /** Resolves when a poll that begins from now on has ended. @throws Error if the client has stopped polling. */
  nextPoll(): Promise<void> {
    return this.polling.nextPoll();
  }

  /** @throws Error if the client has stopped polling. */
  checkPolls(): void {
    this.polling.check();
  }

  stop(): Promise<void> {
    return this.polling.stop();
  }

  private async poll(): Promise<void> {
    const base = this.state;
    const url = `${sessionUrl(this.base, this.id)}/diffs?since=${this.version}`;
    const { patch, hashOfLatestState, latestVersion, changeLog } = (await ask('GET', url)) as Differences;
    if (patch.length === 0 || latestVersion === this.version) return;
    this.fullPolls++;
    readChangeLog(changeLog);
    const state = applyAsV1Client(this.state, patch) as JsonObject;
    if (plainHash(state) === hashOfLatestState) {
      this.state = state;
      this.version = latestVersion;
    } else {
      if (this.state === base) this.refetchedAfter.push('poll');
      await this.refetch();
    }
    this.show(this.state);
  }

  private async send(screen: JsonObject): Promise<void> {
    const patch: Operation[] = createPatch(this.state, screen);
    if (patch.length === 0) return;
    this.sent.push(patch);
    const body = { patch, userName: this.userName };
    const reply = (await ask('PATCH', sessionUrl(this.base, this.id), body)) as Latest;
    if (this.comparesMs > 0) await sleep(this.comparesMs);
    if (plainHash(screen) === reply.hashOfLatestState) {
      this.state = screen;
      this.version = reply.latestVersion;
    } else {
      this.refetchedAfter.push('patch');
      await this.refetch();
    }
  }

  /** Silently: the screen stays as it is. */
  private async refetch(): Promise<void> {
    const { udt_json, version } = (await ask('GET', sessionUrl(this.base, this.id))) as Session;
    this.state = udt_json;
    this.version = version;
  }

  private show(screen: JsonObject): void {
    this.shown = screen;
    this.polling.restart();
  }
}

/** A file in which one sample is changed. */
export function withSample(
  udt: JsonObject,
  index: number,
  change: (sample: JsonObject) => JsonObject,
): JsonObject {
  return { ...udt, samples: samplesOf(udt).with(index, change(samplesOf(udt)[index]!)) };
}

export function samplesOf(udt: JsonObject): readonly JsonObject[] {
  const { samples } = udt;
  return isJsonArray(samples) ? samples.filter(isJsonObject) : [];
}

function sessionUrl(base: string, id: string): string {
  return `${base}/api/session/${encodeURIComponent(id)}`;
}

/** Every status but 200 is an error to the client. */
async function ask(method: string, url: string, body?: unknown): Promise<unknown> {
  const { status, text } = await call(method, url, body, { Accept: 'application/json' });
  if (status !== 200) throw new Error(`${method} ${url}: status ${status}: ${text}`);
  return JSON.parse(text);
}

/** What the client tells its user of each change (UDT-1). @throws where the client would stop polling for good. */
function readChangeLog(changeLog: readonly Json[]): void {
  for (const element of changeLog) {
    const path = isJsonObject(element) ? element['path'] : undefined;
    if (typeof path !== 'string') throw new TypeError('a change has no path');
    if (path.startsWith('/taskOutput') && !path.includes('/samples/'))
      throw new TypeError(`a change at ${path}`);
  }
}
