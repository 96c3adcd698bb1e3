// Losses at random in projects that several servers wrote: what is given up on one never makes it different from the others for good,
// and nothing that stays is lost.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Operations } from '../../src/core/operations.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Finding } from '../../src/store/findings.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { decodeRecordOrNull } from '../../src/store/record.ts';
import type { Store } from '../../src/store/store.ts';
import {
  documentOf,
  exchange,
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { seededPrng } from '../support/seed.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('random losses that are accepted');
const keys = new ProjectKeys('p');
const rounds = 12;

/** Ids that say in which round and in what order something was made. */
class World {
  private made = 0;
  readonly servers: MemoryServer[];

  constructor(readonly gen: prng.PRNG) {
    this.servers = [1, 2, 3].map((id) => memoryServer(id, undefined, { upkeep: { keepUpdatesMs: 0 } }));
  }

  any(): MemoryServer {
    return prng.oneOf(this.gen, this.servers);
  }

  async begin(): Promise<void> {
    const [first] = this.servers;
    if (!first) return;
    if (prng.bool(this.gen))
      await first.projects.use('p', (project) =>
        project.udt.createSession({ samples: [{}, {}] }, { protocol: 'udt', user: 'ann' }),
      );
    else await uploadEntry(first.projects, 'p', 'first');
    await this.exchangeAll();
  }

  async step(): Promise<void> {
    const server = this.any();
    const other = this.any();
    const choice = prng.int32(this.gen, 0, 9);
    if (choice < 3) await uploadEntry(server.projects, 'p', `u${this.made++}`);
    else if (choice < 5) await this.edit(server, (doc) => this.type(doc));
    else if (choice < 6) await this.edit(server, (doc) => this.setEntries(doc));
    else if (choice < 8) await this.patch(server);
    else if (choice < 9 && server !== other) await exchange(server, other);
    else await this.compact(server);
  }

  async exchangeAll(): Promise<void> {
    const { servers } = this;
    for (let times = 0; times < 2; times++)
      for (const one of servers) for (const other of servers) if (one !== other) await exchange(one, other);
  }

  private async edit({ projects }: MemoryServer, change: (doc: Y.Doc) => void): Promise<void> {
    await projects.use('p', async (project) => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await project.encode((own) => Y.encodeStateAsUpdate(own)));
      const before = Y.encodeStateVector(doc);
      change(doc);
      const update = Y.encodeStateAsUpdate(doc, before);
      assert.is((await project.applyUpdate(update, { protocol: 'yjs', user: 'bob' })).type, 'accepted');
      await project.settled();
    });
  }

  private async compact({ projects }: MemoryServer): Promise<void> {
    await projects.use('p', async (project) => {
      await project.encode(() => undefined);
      await project['state'].keeper.makeSnapshotNow();
    });
    await projects.upkeep.tidy('p');
    if (prng.bool(this.gen)) await projects.use('p', (project) => project.closeDocument(() => false));
  }

  private type(doc: Y.Doc): void {
    const text = doc.getText('text');
    const at = prng.int32(this.gen, 0, text.length);
    if (prng.bool(this.gen) || text.length === 0) text.insert(at, `${this.made++} `);
    else text.delete(Math.min(at, text.length - 1), 1);
  }

  private setEntries(doc: Y.Doc): void {
    doc.transact(() => {
      for (let left = prng.int32(this.gen, 1, 3); left > 0; left--) {
        const uuid = `y${this.made++}`;
        const authortime = '2026-01-01T00:00:00.000Z';
        const fields = {
          version_uuid: uuid,
          report_uuid: 'r',
          entry_uuid: uuid,
          clip_id: '1',
          content: {},
          authortime,
        };
        doc.getMap('entries').set(uuid, fields);
      }
    });
  }

  private async patch({ projects }: MemoryServer): Promise<void> {
    await projects.use('p', async (project) => {
      if (!project.info?.session) return;
      const patch = [{ op: 'add', path: `/k${prng.int32(this.gen, 0, 3)}`, value: this.made++ }] as const;
      await project.udt.patch(patch, { protocol: 'udt', user: 'ann' });
    });
  }

  /** One that has lost some of its records, opened anew or not. */
  async damage(): Promise<MemoryServer> {
    const index = prng.int32(this.gen, 0, this.servers.length - 1);
    const server = this.servers[index];
    if (!server) throw new Error('There is no such server');
    const { store } = server;
    const isLive = prng.int32(this.gen, 0, 2) === 0;
    if (!isLive) {
      await server.projects.close();
      await store.reopen();
    }
    const records = await entriesOf(store);
    for (let left = prng.int32(this.gen, 1, 3); left > 0; left--) {
      const { key, value } = prng.oneOf(this.gen, prng.bool(this.gen) ? records : records.slice(-4));
      const record = decodeRecordOrNull(value);
      if (prng.bool(this.gen)) await store.write([{ key, value: null }]);
      else await store.write([{ key, value: Uint8Array.of(1, ...value.subarray(1, 4)) }]);
      if (record && prng.bool(this.gen))
        await store.write([{ key: keys.sequence(record.serverId, record.seqno), value: null }]);
    }
    if (isLive) return server;
    const damaged = memoryServer(server.replicas.serverId, store, { upkeep: { keepUpdatesMs: 0 } });
    this.servers[index] = damaged;
    return damaged;
  }
}

async function entriesOf(store: Store): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
  const entries: { key: Uint8Array; value: Uint8Array }[] = [];
  for await (const page of store.scan(keys.allRecords())) entries.push(...page);
  return entries;
}

function uuidOf(object: Uint8Array): string {
  return (JSON.parse(Buffer.from(object).toString()) as { version_uuid: string }).version_uuid;
}

async function uuidsOf({ store }: MemoryServer): Promise<Set<string>> {
  const uuids = new Set<string>();
  for (const { value } of await entriesOf(store)) {
    const object = decodeRecordOrNull(value)?.object;
    if (object) uuids.add(uuidOf(object));
  }
  return uuids;
}

async function isClean({ projects }: MemoryServer): Promise<void> {
  const findings: Finding[] = [];
  const listening = {
    onStep: (step: { type: string; finding?: Finding }) => {
      if (step.finding) findings.push(step.finding);
    },
    stopping: new AbortController().signal,
  };
  const operations = new Operations(projects, () => Promise.resolve([]));
  await operations.run({ type: 'verify', isRepair: false }, listening);
  assert.equal(findings, []);
}

/** @returns whether it was given up; else it is said why it can't be. */
async function accept({ projects }: MemoryServer): Promise<boolean> {
  const operations = new Operations(projects, () => Promise.resolve([]));
  const listening = { onStep: () => undefined, stopping: new AbortController().signal };
  try {
    await operations.run({ type: 'accept-loss', project: 'p' }, listening);
    return true;
  } catch (error) {
    if (error instanceof RejoinError && error.code === 'conflict') return false;
    throw error;
  }
}

test('REP-3 REP-5 whatever is lost and given up, all servers end with the same', async () => {
  const gen = seededPrng('random losses that are accepted');
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    const world = new World(gen);
    await world.begin();
    for (let steps = prng.int32(gen, 5, 30); steps > 0; steps--) await world.step();
    const damaged = await world.damage();
    const before = await uuidsOf(damaged);
    if (await accept(damaged)) {
      accepted++;
      await isClean(damaged);
      const entries = (await documentOf(damaged.projects)).getMap('entries').toJSON() as object;
      const after = await uuidsOf(damaged);
      for (const uuid of before) assert.ok(after.has(uuid) && uuid in entries, `${uuid} stays`);
      const fresh = memoryServer(4);
      await exchange(damaged, fresh);
      await sameProject(damaged, fresh, 'p', strippedRecordsOf);
      await fresh.projects.close();
      for (let steps = prng.int32(gen, 0, 5); steps > 0; steps--) await world.step();
      await world.exchangeAll();
      for (const server of world.servers) {
        await isClean(server);
        await sameProject(damaged, server, 'p', strippedRecordsOf);
      }
    }
    for (const { projects } of world.servers) await projects.close();
  }
  assert.ok(accepted > 0, `${accepted} of ${rounds} were accepted`);
});

test.run();
