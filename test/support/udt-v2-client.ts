// A UDT v2 client for tests, written from the rules (UDT-14 to UDT-18) and the published client, not from src: it knows the
// summary and the top-level keys, follows them by polling, and reads and writes samples one by one.

import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { Polling } from './polling.ts';
import { call, type Differences } from './udt-client.ts';
import { applyAsV1Client } from './v1-patch-library.ts';

export interface SummarySample {
  readonly _id: string;
  readonly hasAnnotation: boolean;
  readonly version: number;
}

export type SampleWithId = JsonObject & { readonly _id: string };

/** What GET says: the top-level keys, but not the samples, and a summary of them. */
interface View {
  readonly version: number;
  readonly keys: JsonObject;
}

interface ClientOptions {
  readonly pollingIntervalMs?: number;
}

/** As the published client has it. */
const pollingIntervalMs = 1000;

export class V2Client {
  /** How often a poll brought something. */
  summaryChanges = 0;
  private readonly polling: Polling;

  private constructor(
    readonly base: string,
    readonly id: string,
    private view: View,
    options: ClientOptions,
  ) {
    this.polling = new Polling(options.pollingIntervalMs ?? pollingIntervalMs, () => this.poll());
    this.polling.restart();
  }

  /** Makes a session of a file. */
  static async create(base: string, udt: JsonObject, options: ClientOptions = {}): Promise<V2Client> {
    const { short_id: id, summary_version: version } = await ask('POST', `${base}/api/session`, { udt });
    if (typeof id !== 'string' || version !== 0)
      throw new Error(`no new v2 session: ${JSON.stringify({ id, version })}`);
    return V2Client.join(base, id, options);
  }

  static async join(base: string, id: string, options: ClientOptions = {}): Promise<V2Client> {
    return new V2Client(base, id, await readView(base, id), options);
  }

  /** The top-level keys and `summary`, as the client has them. */
  get shown(): JsonObject {
    return this.view.keys;
  }

  get samples(): readonly SummarySample[] {
    return summaryOf(this.view.keys);
  }

  /** What a client that comes now is told. */
  async reload(): Promise<JsonObject> {
    return (await readView(this.base, this.id)).keys;
  }

  async getSample(indexOrId: number | string): Promise<SampleWithId> {
    const sample = await ask('GET', `${this.url}/sample/${encodeURIComponent(indexOrId)}`);
    if (!hasId(sample)) throw new Error(`no sample: ${JSON.stringify(sample)}`);
    return sample;
  }

  /** Replaces all of a sample. */
  setSample(id: string, sample: JsonObject): Promise<void> {
    return this.patch([{ op: 'replace', path: `/samples/${id}`, value: sample }]);
  }

  /** Opens a sample, and saves it with a label. */
  async label(indexOrId: number | string, annotation: Json): Promise<void> {
    const sample = await this.getSample(indexOrId);
    await this.setSample(sample._id, { ...sample, annotation });
  }

  /** At the indices behind the last sample that the client knows of. */
  addSamples(samples: readonly JsonObject[]): Promise<void> {
    const count = this.samples.length;
    return this.patch(samples.map((value, i) => ({ op: 'add', path: `/samples/${count + i}`, value })));
  }

  /** Those that the client knows of; all in one PATCH. */
  removeSamples(ids: readonly string[]): Promise<void> {
    const known = this.samples.filter(({ _id }) => ids.includes(_id));
    return this.patch(known.map(({ _id }) => ({ op: 'remove', path: `/samples/${_id}` })));
  }

  /** "Clear labels": removes all samples, and adds them again without their labels. */
  async clearLabels(): Promise<void> {
    const ids = this.samples.map(({ _id }) => _id);
    const samples = await Promise.all(ids.map((id) => this.getSample(id)));
    await this.removeSamples(ids);
    await this.addSamples(samples.map((sample) => without(sample, 'annotation')));
  }

  /** Set here before it is sent (UDT-17). */
  async setDatasetProperty(key: string, value: Json): Promise<void> {
    this.view = { ...this.view, keys: { ...this.view.keys, [key]: value } };
    await this.patch([{ op: 'replace', path: `/${key}`, value }]);
  }

  /** Sends any patch. @throws Error if it is refused. */
  async patch(patch: readonly Operation[]): Promise<void> {
    const reply = await ask('PATCH', this.url, { patch });
    for (const field of ['latestSummaryVersion', 'hashOfLatestSummary'])
      if (!Number.isInteger(reply[field])) throw new Error(`${field} is ${JSON.stringify(reply[field])}`);
  }

  /** The whole file. */
  download(): Promise<JsonObject> {
    return ask('GET', `${this.url}/download`);
  }

  diffs(since: number): Promise<Differences> {
    return diffs(this.url, since);
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

  private get url(): string {
    return `${this.base}/api/session/${encodeURIComponent(this.id)}`;
  }

  private async poll(): Promise<void> {
    const { patch, latestVersion } = await diffs(this.url, this.view.version);
    if (latestVersion === this.view.version) return;
    const ofSummary = patch.filter(({ path }) => !path.startsWith('/samples'));
    this.view = { version: latestVersion, keys: applyAsV1Client(this.view.keys, ofSummary) as JsonObject };
    this.summaryChanges++;
  }
}

/** An object without one of its keys. */
export function without(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

function summaryOf({ summary }: JsonObject): readonly SummarySample[] {
  if (!isJsonObject(summary) || !Array.isArray(summary['samples'])) throw new Error('there is no summary');
  return summary['samples'] as readonly SummarySample[];
}

async function readView(base: string, id: string): Promise<View> {
  const reply = await ask('GET', `${base}/api/session/${encodeURIComponent(id)}`);
  const { shortId, summaryVersion, ...keys } = reply;
  if (shortId !== id || typeof summaryVersion !== 'number') throw new Error('no v2 session');
  if ('samples' in keys) throw new Error('the reply has the samples');
  summaryOf(keys);
  return { version: summaryVersion, keys };
}

async function diffs(url: string, since: number): Promise<Differences> {
  return (await ask('GET', `${url}/diffs?since=${since}`)) as unknown as Differences;
}

function hasId(sample: JsonObject): sample is SampleWithId {
  return typeof sample['_id'] === 'string';
}

/** As axios asks; that tells the server the dialect. */
async function ask(method: string, url: string, body?: unknown): Promise<JsonObject> {
  const accept = 'application/json, text/plain, */*';
  const { status, text } = await call(method, url, body, { Accept: accept });
  if (status !== 200) throw new Error(`${method} ${url}: status ${status}: ${text}`);
  const reply: unknown = JSON.parse(text);
  if (!isJsonObject(reply)) throw new Error(`${method} ${url}: no object: ${text}`);
  return reply;
}
