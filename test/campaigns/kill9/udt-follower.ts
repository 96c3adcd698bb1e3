// A UDT client that never reads the whole session again: it polls `/diffs` since the version it has, over all kills,
// and what it has must be what the server has (UDT-1, UDT-2).

import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import jsonPatch from 'fast-json-patch';
import stringify from 'json-stable-stringify';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Operation } from '../../../src/model/json-patch.ts';
import type { Ledger } from './ledger.ts';
import { getDiffs, getSession, Refusal } from './udt-client.ts';
import type { Address } from './writer.ts';

const pollIntervalMs = 25;
/** Hashing the state after each of hundreds of versions would take longer than all else. */
const hashesPerPollMax = 4;

export class UdtFollower {
  private version = 0;
  private state: JsonObject = {};
  private first: { version: number; state: JsonObject } = { version: 0, state: {} };
  private running: Promise<void> = Promise.resolve();
  private isStopped = true;

  constructor(
    readonly session: string,
    private readonly ledger: Ledger,
  ) {}

  /** Reads the whole session, for the first and only time. */
  async begin({ url }: Address): Promise<void> {
    const { version, udt_json: state } = await getSession(url, this.session);
    this.version = version;
    this.state = state;
    this.first = { version, state: structuredClone(state) };
  }

  /** The session as it was read first. */
  get beginning(): { readonly version: number; readonly state: JsonObject } {
    return this.first;
  }

  start(address: Address): void {
    this.isStopped = false;
    const run = async (): Promise<void> => {
      while (!this.isStopped) {
        await this.poll(address);
        await sleep(pollIntervalMs);
      }
    };
    this.running = run().catch((error: unknown) => {
      if (error instanceof Refusal) this.ledger.report('rule', error.message); // else it was killed
    });
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  /** Polls once. */
  async poll({ url }: Address): Promise<void> {
    this.state = await this.replay(url, { version: this.version, state: this.state }, (version) => {
      this.version = version;
    });
  }

  /** Polls, and compares with the whole session. @returns that, for comparison with what other wires say. */
  async check(address: Address): Promise<JsonObject> {
    await this.poll(address);
    const { version, udt_json: whole } = await getSession(address.url, this.session);
    if (version !== this.version)
      this.ledger.report('rule', `${this.session} is at ${version}, its diffs lead to ${this.version}`);
    if (!isDeepStrictEqual(whole, this.state))
      this.ledger.report('rule', `the diffs of ${this.session} up to ${version} don't lead to its state`);
    const acknowledged = Math.max(0, ...this.ledger.versionsOf(this.session).keys());
    if (version < acknowledged)
      this.ledger.report('lost', `${this.session} is at ${version}, ${acknowledged} was acknowledged`);
    return whole;
  }

  /** Replays everything since the session began. If that is too much for an answer, it is the whole state (UDT-10). */
  async checkFromTheBeginning({ url }: Address): Promise<void> {
    const state = await this.replay(url, structuredClone(this.first), () => undefined, true);
    if (!isDeepStrictEqual(state, this.state))
      this.ledger.report('rule', `all diffs of ${this.session} don't lead to its state`);
  }

  /** Applies what came after a version, one version after the other, and compares hashes on the way. */
  private async replay(
    url: string,
    { version, state }: { version: number; state: JsonObject },
    reached: (version: number) => void,
    mayBeRebuilt = false,
  ): Promise<JsonObject> {
    const { patches, latestVersion, hashOfLatestState } = await getDiffs(url, this.session, version);
    const isRebuilt = mayBeRebuilt && patches.length === 1 && latestVersion > version;
    if (!isRebuilt && patches.length !== latestVersion - version) {
      const what = `${patches.length} patches from version ${version} to ${latestVersion}`;
      this.ledger.report('lost', `${this.session} has ${what}`);
    }
    let now = state;
    const step = Math.ceil(patches.length / hashesPerPollMax);
    for (const [index, patch] of patches.entries()) {
      now = apply(now, patch);
      const at = isRebuilt ? latestVersion : version + index + 1;
      const told = at === latestVersion ? hashOfLatestState : this.ledger.versionsOf(this.session).get(at);
      const isChecked = at === latestVersion || index % step === 0;
      if (told !== undefined && isChecked && told !== hashOf(now))
        this.ledger.report('rule', `${this.session} at ${at} has another hash than was told`);
    }
    reached(latestVersion);
    return now;
  }
}

/** In place. */
function apply(state: JsonObject, patch: readonly Operation[]): JsonObject {
  return jsonPatch.applyPatch(state, [...patch], false, true).newDocument;
}

/** UDT-2's hash, computed plainly. */
function hashOf(state: JsonObject): number {
  const text = stringify(state) ?? '';
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = ((hash << 5) - hash + text.charCodeAt(i)) | 0;
  return hash;
}
