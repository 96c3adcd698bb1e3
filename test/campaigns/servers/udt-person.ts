// An annotator's UDT client of either dialect: reads the session once, and from then on polls `/diffs` since the version it has, on
// whatever server it is. What the patches lead to must be what the server has (UDT-1, UDT-2, UDT-14).

import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '../../../src/model/json.ts';
import type { Operation } from '../../../src/model/json-patch.ts';
import { call, plainHash, type Differences } from '../../support/udt-client.ts';
import { without } from '../../support/udt-v2-client.ts';
import { applyAsV1Client } from '../../support/v1-patch-library.ts';
import type { Wire } from './ledger.ts';
import { Person, type PersonOptions } from './person.ts';

const againMs = 100;
/** As axios asks; that tells the server the dialect. */
const acceptOfV2 = 'application/json, text/plain, */*';

export class UdtPerson extends Person {
  readonly wire: Wire;
  private version: number | null = null;
  private has: JsonObject = {};
  /** Polls that brought the whole state, since the server could not say it otherwise. */
  rebuilds = 0;

  /** @param bucket the member of `marks` that only this client writes into. */
  constructor(
    options: PersonOptions,
    readonly session: string,
    private readonly bucket: string,
    readonly dialect: 'v1' | 'v2',
  ) {
    super(options);
    this.wire = dialect === 'v1' ? 'udt' : 'udt-v2';
  }

  /** The session as v1 has it; the top-level keys and the summary as v2 has them. */
  get state(): JsonObject {
    return this.has;
  }

  /** Has what its server has. */
  async waitsFor(): Promise<string | null> {
    await this.poll();
    const now = await this.read();
    if (!now) return `an answer to ${this.name}`;
    return isDeepStrictEqual(now.state, this.has) ? null : `${this.name} to have what its server has`;
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  protected async write(): Promise<void> {
    await this.poll();
    if (this.version === null) return;
    const mark = this.newMark();
    const patch: Operation[] = [
      { op: 'add', path: `/marks/${this.bucket}/${mark}`, value: true },
      ...(await this.annotation(mark)),
    ];
    const reply = await this.ask('PATCH', '', { patch });
    if (reply) this.acknowledge(mark, this.session, false);
  }

  protected moved(): Promise<void> {
    return Promise.resolve();
  }

  /** Of the first sample, which everybody annotates, or of a new one. */
  private async annotation(mark: string): Promise<Operation[]> {
    if (this.chance.oneIn(4)) return [{ op: 'add', path: '/samples/-', value: { of: mark } }];
    if (this.dialect === 'v1') return [{ op: 'add', path: '/samples/0/annotation', value: mark }];
    const sample = await this.ask('GET', '/sample/0');
    if (!sample || typeof sample['_id'] !== 'string') return [];
    return [{ op: 'replace', path: `/samples/${sample['_id']}`, value: { ...sample, annotation: mark } }];
  }

  private async poll(): Promise<void> {
    const { version } = this;
    if (version === null) {
      const read = await this.read();
      if (read) ({ version: this.version, state: this.has } = read);
      return;
    }
    const reply = (await this.ask('GET', `/diffs?since=${version}`)) as Differences | null;
    if (!reply || reply.latestVersion === version) return;
    if (reply.patches.length === 1 && Math.abs(reply.latestVersion - version) > 1) this.rebuilds++;
    const patch =
      this.dialect === 'v1' ? reply.patch : reply.patch.filter(({ path }) => !path.startsWith('/samples'));
    this.has = applyAsV1Client(this.has, patch) as JsonObject;
    this.version = reply.latestVersion;
    if (this.dialect === 'v1' && plainHash(this.has) !== reply.hashOfLatestState)
      this.ledger.fail(
        `${this.name}: from version ${version} to ${reply.latestVersion} it comes to another hash (UDT-2)`,
      );
  }

  private async read(): Promise<{ version: number; state: JsonObject } | null> {
    const reply = await this.ask('GET', '');
    if (!reply) return null;
    if (this.dialect === 'v1')
      return { version: Number(reply['version']), state: reply['udt_json'] as JsonObject };
    const state = without(without(reply, 'shortId'), 'summaryVersion');
    return { version: Number(reply['summaryVersion']), state };
  }

  /** @returns null if there was no answer, or none that helps now. */
  private async ask(method: string, path: string, body?: JsonObject): Promise<JsonObject | null> {
    try {
      const headers = { Accept: this.dialect === 'v1' ? 'application/json' : acceptOfV2 };
      const { status, text } = await call(
        method,
        `${this.home.url}/api/session/${this.session}${path}`,
        body,
        headers,
      );
      if (status === 200) {
        const reply: unknown = JSON.parse(text);
        if (isJsonObject(reply)) return reply;
      }
      // A sample may be another's by now; a server that stops says so.
      if (![404, 409, 503].includes(status))
        this.ledger.fail(`${this.name}: ${method} ${path} was answered with ${status} ${text.slice(0, 200)}`);
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
    }
    await sleep(againMs);
    return null;
  }
}
