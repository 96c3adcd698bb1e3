// The catalogue's entry of a project that has lost the beginning of its log too: what the log can't tell it now, it tells when its
// records are back.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readProjectInfo, type ProjectInfo } from '../../src/store/project-info.ts';
import { projectKey } from '../../src/store/store-keys.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { HeldStore, notedStore, someTurns } from '../support/held-store.ts';
import {
  exchange,
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { checked, heal, reopened } from '../support/repair-by-hand.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('recalled entry');
const keys = new ProjectKeys('p');
const ann = { protocol: 'udt', user: 'ann' } as const;

function labels(at: number) {
  return [{ op: 'add', path: `/samples/${at}/annotation`, value: 'x' }] as const;
}

/** A session on the first, and three changes a minute apart; the other has the same. */
async function sessionOnBoth(): Promise<{ a: MemoryServer; b: MemoryServer; store: HeldStore }> {
  const store = notedStore();
  const [a, b] = [memoryServer(1, store), memoryServer(2)];
  await a.projects.use('p', (project) => project.udt.createSession({ samples: [{}, {}, {}] }, ann));
  for (const at of [0, 1, 2]) {
    a.clock.nowMs += 60_000;
    await a.projects.use('p', (project) => project.udt.patch(labels(at), ann));
  }
  await exchange(a, b);
  return { a, b, store };
}

/** Records at these positions are lost, and the catalogue's entry. */
async function without(store: Store, positions: readonly number[]): Promise<void> {
  await store.write([
    { key: projectKey('p'), value: null },
    ...positions.map((position) => ({ key: keys.record(position), value: null })),
  ]);
}

async function infoOf({ store }: MemoryServer): Promise<ProjectInfo | undefined> {
  return readProjectInfo(store, 'p');
}

test('REP-8 an entry that was made anew says what it did when the beginning of the log is back, in one batch with it', async () => {
  const { a, b, store } = await sessionOnBoth();
  const before = await infoOf(a);
  const damaged = await reopened(a, (each) => without(each, [1, 2]));
  await damaged.replicas.meet('p', await b.replicas.standing('p'));
  const anew = await infoOf(damaged);
  assert.equal([anew?.session, anew?.toldFrom], [null, 3]);
  assert.is(anew?.createdMs, (before?.createdMs ?? 0) + 120_000);
  await checked(damaged);
  store.written.length = 0;
  await heal(damaged, b);
  const writesOf = (key: Uint8Array) => (batch: readonly Write[]) =>
    batch.some((write) => Buffer.compare(write.key, key) === 0);
  const withRecord = store.written.filter(writesOf(keys.record(1)));
  assert.is(withRecord.length, 1);
  assert.ok(withRecord.every(writesOf(projectKey('p'))), 'the entry is written with the record');
  assert.equal(await infoOf(damaged), { ...before, lifecycle: 0 });
  const started = await reopened(damaged);
  assert.is((await started.projects.use('p', (project) => project.udt.after(0))).latest.version, 3);
  await sameProject(started, b);
});

test('what comes back in parts tells the entry what each part says', async () => {
  const { a, b } = await sessionOnBoth();
  const before = await infoOf(a);
  const damaged = await reopened(a, (store) => without(store, [1, 2, 3]));
  await damaged.replicas.meet('p', await b.replicas.standing('p'));
  await checked(damaged);
  const told: unknown[] = [];
  for (const seqno of [2, 3, 1]) {
    for await (const records of b.replicas.read('p', { serverId: 1, first: seqno, last: seqno }))
      await damaged.replicas.repair('p', records, 2);
    const info = await infoOf(damaged);
    told.push([(info?.createdMs ?? 0) - (before?.createdMs ?? 0), info?.toldFrom, info?.session?.user]);
  }
  assert.equal(told, [
    [60_000, 2, undefined],
    [60_000, 2, undefined],
    [0, undefined, 'ann'],
  ]);
  await sameProject(damaged, b);
});

test('an entry that is whole is as it was when the beginning of the log is back', async () => {
  const [a, b] = [memoryServer(1), memoryServer(2)];
  await uploadEntry(a.projects, 'p', 'a');
  b.clock.nowMs += 60_000; // it came later
  await exchange(a, b);
  const before = await infoOf(b);
  const damaged = await reopened(b, (store) => store.write([{ key: keys.record(1), value: null }]));
  await checked(damaged);
  await heal(damaged, a);
  assert.equal(await infoOf(damaged), before);
  await sameProject(damaged, a);
});

test('REP-8 a project of which only the witness knows is entered anew when a peer has it, and comes back into its places', async () => {
  const { a, b } = await sessionOnBoth();
  await uploadEntry(b.projects, 'p', 'theirs');
  await exchange(a, b);
  const before = await infoOf(a);
  const witness = new MemoryWitness();
  witness.note('p', { position: 5, serverId: 1, seqno: 4 });
  await a.projects.close();
  await a.store.write([{ key: projectKey('p'), value: null }]);
  for await (const page of a.store.scan(keys.all()))
    await a.store.write(page.map(({ key }) => ({ key, value: null })));
  const damaged = memoryServer(7, a.store, { witness }); // damage costs the server id
  await damaged.replicas.meet('p', await b.replicas.standing('p'));
  await checked(damaged);
  await exchange(damaged, b);
  await heal(damaged, b);
  await exchange(damaged, b);
  const { createdMs, session, lifecycle } = (await infoOf(damaged)) ?? {};
  assert.equal(
    { createdMs, session, lifecycle },
    { createdMs: before?.createdMs, session: before?.session, lifecycle: 0 },
  );
  await sameProject(damaged, b, 'p', strippedRecordsOf); // its order is kept by a snapshot
});

test('REP-14 two servers that are met at once: an entry that the one has had made anew is not undone for the other', async () => {
  const store = notedStore();
  const [a, deleted, alive] = [memoryServer(1, store), memoryServer(2), memoryServer(3)];
  await uploadEntry(a.projects, 'p', 'e');
  await exchange(a, deleted);
  await exchange(a, alive);
  await deleted.projects.use('p', (project) => project.delete());
  await a.projects.close();
  await without(store, []);
  const again = memoryServer(1, store);
  store.isHolding = true;
  const first = again.replicas.meet('p', await alive.replicas.standing('p'));
  await someTurns();
  assert.is(store.waiting.length, 1, 'an entry is on its way');
  store.isHolding = false;
  const second = again.replicas.meet('p', await deleted.replicas.standing('p'));
  await someTurns();
  store.letGo();
  await Promise.all([first, second]);
  assert.is((await again.replicas.standing('p')).lifecycle, 1);
  assert.is((await infoOf(again))?.lifecycle, 1);
  for (const { projects } of [again, deleted, alive]) await projects.close();
});

test.run();
