// A loss that is accepted while something else is under way, or is left from before.

import { setImmediate as otherWork } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Operations } from '../../src/core/operations.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Standing } from '../../src/model/standing.ts';
import type { Finding } from '../../src/store/findings.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { isUnordered, writeUnordered } from '../../src/store/unordered.ts';
import { verifyProject } from '../../src/store/verify.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { documentOf, memoryServer, type MemoryServer } from '../support/memory-servers.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('acceptance of a loss that meets something else');
const keys = new ProjectKeys('p');
const udt = { protocol: 'udt', user: 'ann' } as const;

async function accept({ projects }: MemoryServer) {
  const operations = new Operations(projects, () => Promise.resolve([]));
  const listening = { onStep: () => undefined, stopping: new AbortController().signal };
  const outcome = await operations.run({ type: 'accept-loss', project: 'p' }, listening);
  if (outcome.type !== 'loss-accepted') throw new Error(outcome.type);
  return outcome.loss;
}

async function spoil(store: Store, position: number): Promise<void> {
  const record = Buffer.from((await store.get(keys.record(position))) ?? []);
  record[record.length - 3]! ^= 4;
  await store.write([{ key: keys.record(position), value: record }]);
}

/** Four entries of server 1, of which the second is damaged. */
async function damaged(store: Store = new MemoryStore()): Promise<MemoryServer> {
  const server = memoryServer(1, store);
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(server.projects, 'p', uuid);
  await server.projects.close();
  await store.reopen();
  await spoil(store, 2);
  return memoryServer(1, store);
}

function headsOf({ heads }: Standing): [number, number][] {
  return heads.map(({ serverId, seqno }) => [serverId, seqno]);
}

test('REP-3 a verification that has read the log before mends no number that was given up', async () => {
  const server = await damaged();
  const { store } = server;
  await store.write([{ key: keys.sequence(1, 4), value: null }]); // it can be mended from its record
  const options = {
    isRepair: true,
    nowMs: server.clock.nowMs,
    stopping: new AbortController().signal,
    witnessed: () => Promise.resolve(undefined),
    onFinding: () => undefined,
    onReindex: () => undefined,
    onLost: () => undefined,
  };
  await verifyProject(store, 'p', {
    ...options,
    alone: async (_, repair) => {
      await accept(server);
      await repair();
    },
  });
  const standing = await server.replicas.standing('p');
  assert.equal(new Map(headsOf(standing)).get(1), 1, 'what lies behind the loss has other numbers');
  const findings: Finding[] = [];
  const listed = { isRepair: false, onFinding: (finding: Finding) => findings.push(finding) };
  await verifyProject(store, 'p', { ...options, ...listed, alone: () => Promise.resolve() });
  assert.equal(findings, []);
  await server.projects.close();
});

/** Its batch that gives something up is stored, and nobody hears of it. */
class LastWriteUnheard extends FaultyStore {
  override write(batch: readonly Write[]): Promise<void> {
    const isLast = batch.some(
      ({ key, value }) => value === null && Buffer.compare(key, keys.quarantine) === 0,
    );
    if (isLast) this.failNext('is stored');
    return super.write(batch);
  }
}

test('REP-3 what was given up though the store failed is told to links when it is open again', async () => {
  const store = new LastWriteUnheard();
  const server = await damaged(store);
  const told: Promise<Standing>[] = [];
  server.replicas.listenLives(() => told.push(server.replicas.standing('p')));
  try {
    await accept(server);
    assert.unreachable('its outcome is unknown');
  } catch (error) {
    assert.is(error instanceof RejoinError && error.code, 'outcome-unknown', String(error));
  }
  const before = store.reopened;
  for (let turns = 0; turns < 10_000 && store.reopened === before; turns++) await otherWork();
  await server.projects.use('p', (project) => project['state'].inTurn(() => project['state'].current()));
  const now = headsOf(await server.replicas.standing('p'));
  assert.is(new Map(now).get(1), 1, 'it was given up');
  const last = await told.at(-1);
  assert.equal(last && headsOf(last), now);
  assert.not(server.projects.wanted.has('p'));
  await server.projects.close();
});

test('a PATCH whose record is lost, and not what it said, is not done again under its key', async () => {
  const server = memoryServer(1);
  const patch = (): Promise<unknown> =>
    server.projects.use('p', (project) =>
      project.udt.patch([{ op: 'add', path: '/samples/0', value: {} }], udt, {
        request: { key: 'k', digest: 'd' },
      }),
    );
  await server.projects.use('p', (project) => project.udt.createSession({ samples: [{}] }, udt));
  await patch();
  await spoil(server.store, 2); // the document is open
  await accept(server);
  await patch();
  const { view } = await server.projects.use('p', (project) => project.udt.read());
  assert.equal(view, { samples: [{}, {}] });
  await server.projects.close();
});

test('what builds on a change of which only the object is damaged stays in the document, with what its update says', async () => {
  const server = await damaged();
  await spoil(server.store, 2); // as it was
  const record = Buffer.from((await server.store.get(keys.record(2))) ?? []);
  const at = record.indexOf('"report_uuid"');
  assert.ok(at > 0);
  record[at + 1]! ^= 4;
  await server.store.write([{ key: keys.record(2), value: record }]);
  const loss = await accept(server);
  assert.is(loss.lost, 1);
  assert.is(loss.unshown, 0);
  assert.equal(Object.keys((await documentOf(server.projects)).getMap('entries').toJSON()).sort(), [
    'a',
    'b',
    'c',
    'd',
  ]);
  await server.projects.close();
});

test('a log whose order is not known is compacted with it', async () => {
  const server = await damaged();
  await server.projects.use('p', () => Promise.resolve()); // it looks for the mark
  await server.store.write([writeUnordered(keys, true)]);
  await accept(server);
  assert.not(await isUnordered(server.store, keys));
  await server.projects.close();
});

test.run();
