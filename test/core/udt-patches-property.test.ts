// WS-23: whoever applies the patches of `udt` in their order has, at each, what the server had at that change; also after cuts
// anywhere, and when patches are not kept. Rounds: REJOIN_TEST_ROUNDS.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import type { Selected } from '../../src/core/selected-feed.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { objectKinds } from '../../src/model/objects.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { openProjects } from '../support/memory-projects.ts';
import { editUdtAtRandom } from '../support/random-udt-edits.ts';
import { randomPatch } from '../support/random-patch.ts';
import { seededPrng } from '../support/seed.ts';
import { objectsOf, uploadAll } from '../support/selected.ts';

const rounds = Number(process.env.REJOIN_TEST_ROUNDS ?? 3);
/** Rounds differ much in how many patches readers get: there are more of them until there were enough. */
const receivedMin = 100;
const roundsMax = 20;
const stepsPerRound = 40;
const hourMs = 60 * 60 * 1000;
const udt = { protocol: 'udt', user: 'ann' } as const;
const yjs = { protocol: 'yjs', user: 'bob' } as const;

/** A client that remembers what it was sent, and the highest seqno of each server. */
class Reader {
  json: Json = {};
  private readonly since = new Map<number, number>();
  received = 0;

  /** Reads on, up to so many messages, and is cut off. */
  async read(projects: Projects, states: ReadonlyMap<number, Json>, messagesMax: number): Promise<void> {
    await projects.use('p', async (project) => {
      const since = new Map(this.since);
      const objects = objectKinds.map((kind) => objectsOf(kind, null, since));
      const feed = await project.select({ objects, udt: since });
      try {
        let left = messagesMax;
        while (!feed.atHead)
          for (const message of (await feed.next()) ?? []) {
            if (left-- <= 0) return;
            this.take(message, states);
          }
      } finally {
        feed.close();
      }
    });
  }

  private take(message: Selected, states: ReadonlyMap<number, Json>): void {
    const { serverId, seqno, position } = message;
    assert.ok(seqno > (this.since.get(serverId) ?? 0), 'WS-5 seqnos rise');
    this.since.set(serverId, seqno);
    if (message.type === 'object') return;
    this.received++;
    const patch = JSON.parse(JSON.stringify(message.patch)) as jsonPatch.Operation[];
    this.json = jsonPatch.applyPatch<unknown>(this.json, patch, true).newDocument as Json;
    assert.equal(this.json, states.get(position), `the state at position ${position}`);
  }
}

const test = suite('WS-23');

test('WS-23 patches make what the server has, for readers from nothing and readers cut anywhere', async () => {
  const random = seededPrng('udt-patches');
  let received = 0;
  for (let round = 0; round < rounds || (received <= receivedMin && round < roundsMax); round++) {
    const { projects, clock, events } = openProjects(new MemoryStore(), {
      upkeep: { udtHistoryMs: hourMs },
    });
    const states = new Map<number, Json>();
    const readers = [new Reader(), new Reader(), new Reader()];
    await begin(random, projects);
    await note(projects, states);
    for (let step = 0; step < stepsPerRound; step++) {
      await change(random, projects, clock, `${round}-${step}`);
      await note(projects, states);
      for (const reader of readers)
        if (prng.int32(random, 0, 5) === 0) await reader.read(projects, states, prng.int32(random, 0, 8));
      if (prng.int32(random, 0, 9) === 0) readers.push(new Reader());
    }
    for (const reader of [...readers, new Reader()]) {
      await reader.read(projects, states, Infinity);
      assert.equal(reader.json, await viewOf(projects), `at the end of round ${round}`);
      received += reader.received;
    }
    assert.equal(
      events.filter(({ type }) => type !== 'value-not-json'),
      [],
    );
    await projects.close();
  }
  assert.ok(received > receivedMin, 'there were patches');
});

/** A session, small or made in slices; or a project of Yjs clients. */
async function begin(random: prng.PRNG, projects: Projects): Promise<void> {
  const sample = { document: 'x'.repeat(20) };
  const samples = Array.from({ length: prng.oneOf(random, [2, 6_000]) }, () => sample);
  if (prng.bool(random)) await projects.use('p', (project) => project.udt.createSession({ samples }, udt));
  else await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'first' }]);
}

async function change(
  random: prng.PRNG,
  projects: Projects,
  clock: { nowMs: number },
  name: string,
): Promise<void> {
  switch (prng.int32(random, 0, 9)) {
    case 0:
    case 1:
      await uploadAll(projects, 'p', [
        { kind: 'entry', uuid: `e${name}` },
        { kind: 'comment', uuid: `c${name}` },
      ]);
      return;
    case 2:
    case 3:
    case 4:
      await editByYjs(random, projects);
      return;
    case 5:
      // Too long to be kept.
      await projects.use('p', (project) =>
        project.udt.patch([{ op: 'add', path: '/long', value: name.padEnd(1_100_000) }], udt),
      );
      return;
    case 6:
      if (prng.bool(random)) return;
      clock.nowMs += 2 * hourMs;
      await projects.upkeep.sweep();
      return;
    case 7:
      await projects.use('p', (project) => project.closeDocument(() => false));
      return;
    default:
      await projects.use('p', async (project) => {
        const { operations } = randomPatch(random, short(await viewOf(projects)));
        // A `test` sees what was left out.
        const changing = operations.filter(({ op }) => op !== 'test');
        await project.udt.patch(changing, udt);
      });
  }
}

/** Without what takes long to make random patches of. */
function short(view: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(view).filter(([key]) => key !== 'long' && key !== 'samples'));
}

async function editByYjs(random: prng.PRNG, projects: Projects): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    doc.clientID = prng.int32(random, 1, 2 ** 30);
    Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => updates.push(update));
    editUdtAtRandom(random, doc);
    for (const update of updates) {
      const outcome = await project.applyUpdate(update, yjs);
      if (outcome.type === 'accepted') await outcome.durable;
    }
  });
}

/** Remembers the state at the last change. */
async function note(projects: Projects, states: Map<number, Json>): Promise<void> {
  const position = await projects.use('p', (project) => Promise.resolve(project.durablePosition));
  if (!states.has(position)) states.set(position, structuredClone(await viewOf(projects)));
}

async function viewOf(projects: Projects): Promise<JsonObject> {
  return (await projects.use('p', (project) => project.udt.read())).view;
}

test.run();
