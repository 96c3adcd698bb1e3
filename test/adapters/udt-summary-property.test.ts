// Whatever was done to the samples of a session, by whom and over which wire: from every version on, a poll of a v2 client makes
// of the summary that it had the one that the server has. Rounds: REJOIN_TEST_ROUNDS.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { converged } from '../support/converged.ts';
import { SampleEditor } from '../support/random-sample-edits.ts';
import { randomSamplePatch, randomSamples, randomV2Patch } from '../support/random-sample-patch.ts';
import { testSeed } from '../support/seed.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, call, plainHash, type Differences } from '../support/udt-client.ts';
import { without, type SummarySample } from '../support/udt-v2-client.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';
import { connectProvider, type TestProvider } from '../support/yjs-client.ts';

const rounds = Number(process.env.REJOIN_TEST_ROUNDS ?? 3);
const stepsPerRound = 40;

let server: TestServer;
const property = suite('udt-summary-property');
property.before(async () => void (server = await startServer({ environment })));
property.after(() => server.remove());

/** Changes are far apart, so that all versions are theirs (UDT-8). */
const clock = { nowMs: Date.UTC(2026, 0, 1) };
const environment = { ...realEnvironment, now: () => (clock.nowMs += 5_000) };

/** One session with its clients; `summaries` has what v2 clients had at each version. */
class Round {
  private readonly summaries = new Map<number, JsonObject>();
  private readonly editor: SampleEditor;

  constructor(
    private readonly random: prng.PRNG,
    private readonly client: UdtClient,
    private readonly clients: readonly [writer: TestProvider, witness: TestProvider],
  ) {
    this.editor = new SampleEditor(random, clients[0].doc);
  }

  async step(): Promise<void> {
    switch (prng.int32(this.random, 0, 5)) {
      case 0:
      case 1: {
        const { udt_json } = await this.client.get();
        await this.patch('v1', randomSamplePatch(this.random, udt_json));
        break;
      }
      case 2:
        await this.patch('v2', randomV2Patch(this.random, samplesIn(await this.summary())));
        break;
      default:
        this.editor.edit();
    }
    await converged(this.clients);
  }

  /** Polls from every version that was seen. */
  async check(): Promise<void> {
    const { version, udt_json: udt } = await this.client.get();
    const present = await this.summary();
    await this.checkSummary(present, udt);
    assert.equal(present, this.summaries.get(version) ?? present, `another summary at version ${version}`);
    this.summaries.set(version, present);
    for (const [since, before] of this.summaries) {
      const { patch, hashOfLatestState, latestVersion } = await this.diffs(since);
      const label = `from ${since} to ${version}: ${JSON.stringify(patch)}`;
      assert.is(latestVersion, version);
      assert.is(hashOfLatestState, plainHash(present), `the hash of version ${version}`);
      assert.equal(applyExactly(before, patch), present, `RFC 6902, ${label}`);
      assert.equal(applyAsV1Client(before, patch), present, `the client's library, ${label}`);
    }
  }

  /** UDT-14 to UDT-17, against the file. */
  private async checkSummary(present: JsonObject, udt: JsonObject): Promise<void> {
    assert.equal(without(present, 'summary'), without(without(udt, 'samples'), 'summary'));
    const entries = samplesIn(present);
    const samples = Array.isArray(udt['samples']) ? (udt['samples'] as readonly Json[]) : [];
    const ids = entries.map(({ _id }) => _id);
    assert.is(ids.length, samples.length);
    assert.is(new Set(ids).size, ids.length, `an _id is there twice: ${ids.join()}`);
    const seen = new Set<unknown>();
    for (const [index, sample] of samples.entries()) {
      const { annotation, _id } = isJsonObject(sample) ? sample : {};
      assert.is(entries[index]?.hasAnnotation, annotation !== undefined && annotation !== null);
      const isOwn = typeof _id === 'string' && /^[a-z]+$/.test(_id) && !seen.has(_id);
      seen.add(_id);
      if (isOwn) assert.is(ids[index], _id);
      else assert.match(ids[index] ?? '', /^s\d+-\d+(-\d+)?$/);
      const url = `${server.url}/v2/api/session/${this.client.id}/sample/${ids[index]}`;
      const read = JSON.parse((await call('GET', url)).text) as Json;
      assert.equal(read, isJsonObject(sample) ? { ...sample, _id: ids[index] } : sample, ids[index]);
    }
  }

  private async patch(dialect: 'v1' | 'v2', patch: readonly Operation[]): Promise<void> {
    const { status, text } = await call('PATCH', this.url(dialect), { patch });
    assert.ok(status === 200 || status === 409, `${text} ${JSON.stringify(patch)}`);
  }

  async summary(): Promise<JsonObject> {
    const reply = JSON.parse((await call('GET', this.url('v2'))).text) as JsonObject;
    return without(without(reply, 'shortId'), 'summaryVersion');
  }

  private async diffs(since: number): Promise<Differences> {
    return JSON.parse((await call('GET', `${this.url('v2')}/diffs?since=${since}`)).text) as Differences;
  }

  private url(dialect: 'v1' | 'v2'): string {
    return `${server.url}/${dialect}/api/session/${this.client.id}`;
  }
}

function samplesIn({ summary }: JsonObject): readonly SummarySample[] {
  return (summary as unknown as { samples: SummarySample[] }).samples;
}

/** A top-level key that is new comes as `replace`, which sets it in the client's library, and is idempotent there. */
function applyExactly(before: JsonObject, patch: readonly Operation[]): Json {
  const exact = patch.map((operation) =>
    operation.op === 'replace' && /^\/[^/]+$/.test(operation.path)
      ? { ...operation, op: 'add' as const }
      : operation,
  );
  return jsonPatch.applyPatch<Json>(structuredClone(before), structuredClone(exact), true).newDocument;
}

async function restart(): Promise<void> {
  const { data, url } = server;
  await server.stop();
  server = await startServer({ data, port: Number(new URL(url).port), environment });
}

async function runRound(seed: number): Promise<void> {
  const random = prng.create(seed);
  const udt = { name: 'n', interface: { type: 't' }, samples: randomSamples(random, 6) };
  const client = await UdtClient.create(server.url, udt);
  const writer = await connectProvider(server.socketUrl, client.id);
  const witness = await connectProvider(server.socketUrl, client.id);
  const round = new Round(random, client, [writer, witness]);
  try {
    await round.check();
    for (let step = 1; step <= stepsPerRound; step++) {
      await round.step();
      if (step % 3 === 0 || step > stepsPerRound / 2) await round.check();
      if (step !== stepsPerRound / 2) continue;
      const before = await round.summary();
      await restart();
      assert.equal(await round.summary(), before, 'after a restart');
      await converged([writer, witness]);
    }
  } finally {
    writer.destroy();
    witness.destroy();
  }
}

property('UDT-15 UDT-17 from every version to the newest', async () => {
  const seed = testSeed('udt-summary-property');
  for (let round = 0; round < rounds; round++) {
    try {
      await runRound(seed + round);
    } catch (error) {
      console.log(`failed with seed ${seed + round}`);
      throw error;
    }
  }
});

property.run();
