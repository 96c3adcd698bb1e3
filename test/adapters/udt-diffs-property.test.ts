// Whatever was done to a session, by whom and over which wire: from every version on, a poll brings every client to the
// state that the server has. Rounds: REJOIN_TEST_ROUNDS. It takes long.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { converged } from '../support/converged.ts';
import { editAtRandom } from '../support/random-edits.ts';
import { oddVocabulary, plainVocabulary, randomJson, randomObject } from '../support/random-json.ts';
import { randomPatch } from '../support/random-patch.ts';
import { editUdtAtRandom } from '../support/random-udt-edits.ts';
import { testSeed } from '../support/seed.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, plainHash } from '../support/udt-client.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';
import { connectProvider, type TestProvider } from '../support/yjs-client.ts';

const rounds = Number(process.env.REJOIN_TEST_ROUNDS ?? 2);
const stepsPerRound = 60;
const stepsPerCheck = 12;
/** A patch may double the document with each copy. */
const documentUnitsMax = 20_000;

type YjsEdit = (random: prng.PRNG, doc: TestProvider['doc']) => void;

const environment = changesFarApart();
let server: TestServer;
const property = suite('udt-diffs-property');
property.before(async () => void (server = await startServer({ environment })));
property.after(() => server.remove());

/** One session with its clients; `states` has what each version was. */
class Round {
  readonly states = new Map<number, JsonObject>();
  private latest = 0;

  constructor(
    readonly random: prng.PRNG,
    readonly client: UdtClient,
    readonly writers: readonly TestProvider[],
    readonly witness: TestProvider,
    private readonly editYjs: YjsEdit,
  ) {}

  async step(): Promise<void> {
    const writer = prng.oneOf(this.random, [...this.writers]);
    switch (prng.int32(this.random, 0, 7)) {
      case 0:
      case 1:
      case 2:
        await this.patch();
        return;
      case 3:
        await this.converged(); // nothing of one who leaves is on its way
        if (writer.provider.shouldConnect) writer.provider.disconnect();
        else writer.provider.connect();
        return;
      case 4:
        await Promise.all([
          this.patch(),
          Promise.resolve().then(() => this.editYjs(this.random, writer.doc)),
        ]);
        return;
      default:
        this.editYjs(this.random, writer.doc);
    }
  }

  /** A patch against the present state, which may have changed before it arrives: then it may be refused. */
  private async patch(): Promise<void> {
    const { udt_json } = await this.client.get();
    let { operations, after } = randomPatch(this.random, udt_json);
    if (JSON.stringify(after).length > documentUnitsMax || hasOddTopLevelKey(after as JsonObject)) {
      after = randomObject(this.random, plainVocabulary, 3);
      operations = [{ op: 'replace', path: '', value: after }];
    }
    const reply = await this.client.tryPatch({ patch: operations });
    assert.ok(reply.status === 200 || reply.status === 409, reply.text);
  }

  /** Resolves when those who are online have the same document. */
  private converged(): Promise<void> {
    const online = this.writers.filter(({ provider }) => provider.shouldConnect);
    return converged([this.witness, ...online]);
  }

  /** Polls from every version there was. */
  async check(): Promise<void> {
    await this.converged();
    const { version, udt_json: state } = await this.client.get();
    const hash = plainHash(state);
    await this.learnStates(version, state);
    for (const [since, before] of this.states) {
      const differences = await this.client.diffs(since);
      assert.is(differences.latestVersion, version);
      assert.is(differences.hashOfLatestState, hash, `hash of version ${version}`);
      assert.is(differences.patches.length, version - since);
      assert.equal(differences.patch, differences.patches.flat());
      const label = `from ${since} to ${version}`;
      assert.equal(applyExactly(before, differences.patch), state, `RFC 6902, ${label}`);
      const readable = this.isReadableByV1(since);
      const asV1 = differences.patches.reduce<Json>((at, patch) => applyAsV1Client(at, patch), before);
      if (readable) assert.equal(asV1, state, `v1, ${label}`);
    }
  }

  /** The states between the last one that is known and this one, as the patches of the versions make them. */
  private async learnStates(version: number, state: JsonObject): Promise<void> {
    const known = this.states.get(this.latest);
    if (known === undefined) {
      this.states.set(version, state);
    } else {
      const { patches } = await this.client.diffs(this.latest);
      let at = known;
      for (const [index, patch] of patches.entries()) {
        at = applyExactly(at, patch) as JsonObject;
        this.states.set(this.latest + index + 1, at);
      }
      assert.equal(at, state, 'one version after the other');
    }
    this.latest = version;
  }

  /** UDT-9 promises exactness but for top-level keys with ~ or /. */
  private isReadableByV1(since: number): boolean {
    return [...this.states].every(([version, state]) => version < since || !hasOddTopLevelKey(state));
  }
}

function hasOddTopLevelKey(state: JsonObject): boolean {
  return Object.keys(state).some((key) => /[~/]/.test(key));
}

function applyExactly(before: Json, patch: readonly Operation[]): Json {
  return jsonPatch.applyPatch<Json>(structuredClone(before), structuredClone([...patch]), true).newDocument;
}

async function restart(): Promise<void> {
  const { data, url } = server;
  await server.stop();
  server = await startServer({ data, port: Number(new URL(url).port), environment });
}

async function runRound(seed: number, editYjs: YjsEdit): Promise<void> {
  const random = prng.create(seed);
  const udt = { samples: [randomJson(random, oddVocabulary, 3), {}], interface: { type: 't' } };
  const client = await UdtClient.create(server.url, udt);
  const clients = await Promise.all([1, 2, 3].map(() => connectProvider(server.socketUrl, client.id)));
  const [witness, ...writers] = clients;
  const round = new Round(random, client, writers, witness!, editYjs);
  try {
    await round.check();
    for (let step = 1; step <= stepsPerRound; step++) {
      await round.step();
      if (step === stepsPerRound / 2) await restart();
      if (step === stepsPerRound) for (const { provider } of writers) provider.connect();
      if (step % stepsPerCheck === 0) await round.check();
    }
  } finally {
    for (const provider of clients) provider.destroy();
  }
}

for (const [name, editYjs] of [
  ['what apps store', editUdtAtRandom],
  ['anything that Yjs can hold', editAtRandom],
] as const) {
  property(`UDT-1 UDT-2 from every version to the newest, with ${name}`, async () => {
    const seed = testSeed(`udt-diffs-property, ${name}`);
    for (let round = 0; round < rounds; round++) await runRound(seed + round, editYjs);
  });
}

property.run();
