import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { listProjectIds, listProjects, writeProjectInfo } from '../../src/store/project-info.ts';
import type { Change } from '../../src/store/change.ts';
import { ProjectLog, type NewChange } from '../../src/store/project-log.ts';
import { pageEntriesMax } from '../../src/store/store.ts';

const origin = { protocol: 'stream', user: 'anonymous' } as const;
const serverId = 77;

const test = suite('project log');

test('positions and seqnos are dense over groups; the first change of a group carries the update', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  await append(store, log, [entry('a'), entry('b'), { kind: 'udt' }]);
  await append(store, log, [{ kind: 'update' }]);
  const changes = await readAll(log);
  assert.equal(
    changes.map(({ position, seqno }) => [position, seqno]),
    [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ],
  );
  assert.equal(
    changes.map(({ groupIndex, groupSize }) => [groupIndex, groupSize]),
    [
      [0, 3],
      [1, 3],
      [2, 3],
      [0, 1],
    ],
  );
  assert.equal(
    changes.map(({ update }) => update !== null),
    [true, false, false, true],
  );
  assert.equal(
    changes.map(({ kind }) => kind),
    ['entry', 'entry', 'udt', 'update'],
  );
});

test('heads, uuids and the catalogue are recovered on open', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  await append(store, log, [entry('a')]);
  await append(store, log, [entry('b')]);
  const again = await ProjectLog.open(store, 'p', serverId);
  assert.is(again.durablePosition, 2);
  assert.equal([...again.durableVector], [[serverId, 2]]);
  assert.is(again.newDamage, null);
  assert.ok(await again.hasObject('entry', 'a'));
  assert.not(await again.hasObject('thread', 'a'));
  assert.is(again.info?.session, null);
  const ids: string[] = [];
  for await (const { project } of listProjects(store)) ids.push(project);
  assert.equal(ids, ['p']);
});

test('another server id goes on in the same log under its own numbers', async () => {
  const store = new MemoryStore();
  await append(store, await ProjectLog.open(store, 'p', 1), [entry('a'), entry('b')]);
  const other = await ProjectLog.open(store, 'p', 2 ** 48 - 1);
  await append(store, other, [entry('c')]);
  const again = await ProjectLog.open(store, 'p', 1);
  assert.equal(
    [...again.durableVector].sort(([a], [b]) => a - b),
    [
      [1, 2],
      [2 ** 48 - 1, 1],
    ],
  );
  assert.is(again.durablePosition, 3);
  assert.is(again.newDamage, null);
  await append(store, again, [entry('d')]);
  assert.equal((await readAll(again)).map(({ serverId: id, seqno }) => [id, seqno]).at(-1), [1, 3]);
});

test('WS-4 the position after what a client knows: exclusive, per server, unknown servers harmless', async () => {
  const store = new MemoryStore();
  await append(store, await ProjectLog.open(store, 'p', 1), [entry('a'), entry('b')]); // positions 1, 2
  await append(store, await ProjectLog.open(store, 'p', 2), [entry('c')]); // 3
  const log = await ProjectLog.open(store, 'p', 1);
  await append(store, log, [entry('d')]); // 4
  const after = (since: [number, number][]): Promise<number> => log.positionOf(new Map(since));
  assert.is(await after([]), 0);
  assert.is(await after([[1, 1]]), 1);
  assert.is(await after([[1, 2]]), 2);
  assert.is(await after([[1, 3]]), 2); // the other server's change is still lacking
  assert.is(
    await after([
      [1, 3],
      [2, 1],
    ]),
    4,
  );
  assert.is(await after([[2, 1]]), 0);
  assert.is(
    await after([
      [1, 99],
      [2, 99],
      [3, 99],
    ]),
    4,
  );
});

test('a hole is reported on open and never skipped over while reading', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  for (const uuid of ['a', 'b', 'c']) await append(store, log, [entry(uuid)]);
  await store.write([{ key: log.keys.record(2), value: null }]);
  assert.is(
    await failureOf(readAll(log)),
    'damaged: Project "p" is damaged: the change at position 2 is missing',
  );

  await store.write([{ key: log.keys.record(3), value: null }]);
  const opened = await ProjectLog.open(store, 'p', serverId);
  assert.match(String(opened.newDamage), /ends at position 1.*count 3 changes/);
  // The numbers that were given are not given again.
  const { group } = opened.append({
    origin,
    timeMs: 1,
    update: new Uint8Array([0, 0]),
    changes: [entry('d')],
  });
  assert.is(group.changes[0]?.seqno, 4);
});

test('a flipped bit of a record is reported where it lies', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  for (const uuid of ['a', 'b']) await append(store, log, [entry(uuid)]);
  const key = log.keys.record(2);
  const value = Uint8Array.from((await store.get(key)) ?? []);
  value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
  await store.write([{ key, value }]);
  assert.match(await failureOf(readAll(log)), /^damaged: .* at position 2: .*digest/);
});

test('a long log is read in bounded pages', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  const count = 3 * pageEntriesMax;
  await append(
    store,
    log,
    Array.from({ length: count }, (_, i) => entry(`u${i}`)),
  );
  let seen = 0;
  for await (const page of log.read(1, log.durablePosition)) {
    assert.ok(page.length <= pageEntriesMax);
    seen += page.length;
  }
  assert.is(seen, count);
});

test('all projects are listed, however many', async () => {
  const store = new MemoryStore();
  const ids = Array.from({ length: 1_025 }, (_, index) => `p${String(index).padStart(4, '0')}`);
  await store.write(ids.map((id) => writeProjectInfo(id, { createdMs: 0, session: null, tombstone: null })));
  const listed: string[] = [];
  for await (const id of listProjectIds(store)) listed.push(id);
  assert.equal(listed, ids);
});

test('nothing counts as durable before it is settled', async () => {
  const store = new MemoryStore();
  const log = await ProjectLog.open(store, 'p', serverId);
  const { group } = log.append({ origin, timeMs: 1, update: new Uint8Array([0, 0]), changes: [entry('a')] });
  assert.is(log.durablePosition, 0);
  assert.is(log.durableVector.size, 0);
  log.settle(group);
  assert.is(log.durablePosition, 1);
});

function entry(uuid: string): NewChange {
  const object = Buffer.from(JSON.stringify({ version_uuid: uuid }));
  return { kind: 'entry', versionUuid: uuid, object, matches: [] };
}

async function append(store: MemoryStore, log: ProjectLog, changes: readonly NewChange[]): Promise<void> {
  const { group, writes } = log.append({ origin, timeMs: 1, update: new Uint8Array([0, 0]), changes });
  await store.write(writes);
  log.settle(group);
}

async function readAll(log: ProjectLog): Promise<Change[]> {
  const changes: Change[] = [];
  for await (const page of log.read(1, log.durablePosition)) changes.push(...page);
  return changes;
}

async function failureOf(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof RejoinError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'it was read';
}

test.run();
