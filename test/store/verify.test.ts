// Verification: every kind of damage is found and named, and what can be mended is.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Operations, type Step } from '../../src/core/operations.ts';
import type { Projects } from '../../src/core/projects.ts';
import type { Finding } from '../../src/store/findings.ts';
import { seal } from '../../src/store/digest.ts';
import { writeHoldersMark } from '../../src/store/index-marks.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readKey } from '../../src/store/read-key.ts';
import {
  allHolders,
  allKeys,
  holdersMarkKey,
  projectKey,
  unfinishedKey,
} from '../../src/store/store-keys.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import { SnapshotWriter } from '../../src/store/snapshots.ts';
import { firstOf, type Range, type Store } from '../../src/store/store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const { serverId } = testLife;

interface Context {
  store: MemoryStore;
  projects: Projects;
  keys: ProjectKeys;
}

const verify = suite<Context>('verify');

verify.before.each(async (context) => {
  context.store = new MemoryStore(new MemoryDisk());
  context.projects = openProjects(context.store).projects;
  context.keys = new ProjectKeys('p');
  await context.projects.use('p', async (project) => {
    await project.udt.createSession({ samples: [{ document: 'a' }] }, udt);
    await project.udt.patch([{ op: 'add', path: '/samples/0/annotation', value: 'x' }], udt);
  });
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(context.projects, 'p', uuid); // positions 3 to 6
  await uploadEntry(context.projects, 'other', 'z');
});
verify.after.each(({ projects }) => projects.close());

async function run(projects: Projects, isRepair: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  const onStep = (step: Step): void => {
    if (step.type === 'finding') findings.push(step.finding);
  };
  const operations = new Operations(projects, () => Promise.resolve([]));
  const { signal: stopping } = new AbortController();
  await operations.run({ type: 'verify', isRepair }, { onStep, stopping });
  return findings;
}

async function flip(store: Store, key: Uint8Array): Promise<void> {
  const value = Buffer.from((await store.get(key)) ?? []);
  assert.ok(value.length > 0, 'there is such a key');
  value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
  await store.write([{ key, value }]);
}

async function flipFirst(store: Store, range: Range): Promise<Uint8Array> {
  const entry = await firstOf(store, range);
  if (!entry) throw new Error('there is no such key');
  await flip(store, entry.key);
  return entry.key;
}

async function everything(store: Store): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for await (const page of store.scan(allKeys))
    for (const { key, value } of page)
      all.set(Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex'));
  return all;
}

verify(
  'nothing is found in a database that is whole, also by a repair, which changes nothing',
  async ({ projects, store }) => {
    assert.equal(await run(projects, false), []);
    const before = await everything(store);
    assert.equal(await run(projects, true), []);
    assert.equal(await everything(store), before);
  },
);

verify(
  'a record that is damaged or missing is named by its position and number, and wanted from a peer',
  async ({ projects, store, keys }) => {
    await flip(store, keys.record(4));
    await store.write([{ key: keys.record(5), value: null }]);
    const found = await run(projects, true);
    assert.equal(
      found.map(({ project, position, numbers, remedy }) => ({ project, position, numbers, remedy })),
      [4, 5].map((n) => ({
        project: 'p',
        position: n,
        numbers: { serverId, first: n, last: n },
        remedy: 'peer',
      })),
    );
    assert.match(found[0]?.problem ?? '', /the change is damaged: .*fails the digest/);
    assert.match(found[1]?.problem ?? '', /the change is missing/);
    assert.equal(await readQuarantine(store, keys), [
      { serverId, seqno: 4, position: 4 },
      { serverId, seqno: 5, position: 5 },
    ]);
    assert.equal(await readQuarantine(store, new ProjectKeys('other')), []);
  },
);

verify(
  'changes that lie next to each other are one finding, also those whose numbers are lost',
  async ({ projects, store, keys }) => {
    const gone = [3, 4, 5];
    await store.write(gone.map((n) => ({ key: keys.record(n), value: null })));
    const [found, ...more] = await run(projects, false);
    assert.equal(more, []);
    assert.equal([found?.position, found?.numbers], [3, { serverId, first: 3, last: 5 }]);
    assert.match(found?.problem ?? '', /^3 changes from here on: each is missing/);

    await store.write(gone.map((n) => ({ key: keys.sequence(serverId, n), value: null })));
    const lost = await run(projects, false);
    assert.equal(
      lost.map(({ position, numbers }) => ({ position, numbers })),
      [
        { position: 3, numbers: null },
        { position: null, numbers: { serverId, first: 3, last: 5 } },
      ],
    );
  },
);

verify(
  'a change that has lost its record and its number is wanted once',
  async ({ projects, store, keys }) => {
    for (const position of [4, 5])
      await store.write([
        { key: keys.record(position), value: null },
        { key: keys.sequence(serverId, position), value: null },
      ]);
    const operations = new Operations(projects, () => Promise.resolve([]));
    const listening = { onStep: () => undefined, stopping: new AbortController().signal };
    const outcome = await operations.run({ type: 'verify', isRepair: false }, listening);
    assert.is(outcome.type === 'verified' && outcome.wanted, 2);
  },
);

verify('a project of which nothing is left is found by the witness', async ({ projects, store, keys }) => {
  await projects.close();
  await store.write([{ key: projectKey('p'), value: null }]);
  for await (const page of store.scan(keys.all()))
    await store.write(page.map(({ key }) => ({ key, value: null })));
  const witness = new MemoryWitness();
  witness.note('p', { position: 6, serverId, seqno: 6 });
  witness.note('other', { position: 1, serverId, seqno: 1 });
  const { projects: again } = openProjects(store, { witness });
  const problem = 'its log, of 6 changes, is lost, and its entry in the catalogue';
  const finding = { project: 'p', position: null, numbers: null, problem, remedy: 'peer' };
  assert.equal(await run(again, false), [finding]);
  assert.equal(await run(again, true), [finding]);
  await again.close();
});

verify('a log that lost its end is found by the witness', async ({ projects, store, keys }) => {
  await projects.close();
  await store.write([5, 6].flatMap((n) => [keys.record(n), keys.sequence(serverId, n)]).map((key) => ({ key, value: null }))); // prettier-ignore
  const witness = new MemoryWitness();
  witness.note('p', { position: 6, serverId, seqno: 6 });
  const { projects: again } = openProjects(store, { witness });
  const found = await run(again, false);
  assert.equal(
    found.map(({ position, numbers }) => ({ position, numbers })),
    [
      { position: 5, numbers: null },
      { position: null, numbers: { serverId, first: 5, last: 6 } },
    ],
  );
  await again.close();
});

verify('every index is mended from the records, byte for byte', async ({ projects, store, keys }) => {
  const before = await everything(store);
  const damaged = [keys.sequence(serverId, 3), keys.uuid('entry', 'a')];
  for (const key of damaged) await flip(store, key);
  await store.write([
    { key: keys.sequence(serverId, 4), value: null },
    { key: keys.uuid('entry', 'b'), value: null },
  ]);
  await flip(store, keys.posting('entry', { field: 'report', value: 'r' }, 5));
  await flipFirst(store, allHolders);

  const found = await run(projects, false);
  assert.is(found.length, 6, JSON.stringify(found));
  assert.ok(found.every(({ remedy }) => remedy === 'mendable'));
  assert.is.not(JSON.stringify([...(await everything(store))]), JSON.stringify([...before]));
  const mended = await run(projects, true);
  assert.equal(mended.map(({ remedy }) => remedy), Array(6).fill('mended')); // prettier-ignore
  assert.equal(await everything(store), before);
});

verify('what is only kept to save work is mended, or made anew', async ({ projects, store, keys }) => {
  await flip(store, keys.indexMark);
  await flip(store, keys.udtChange(2));
  await flip(store, keys.topLevelKeys);
  await flip(store, keys.clients(serverId));
  assert.equal((await run(projects, true)).map(({ remedy }) => remedy), Array(4).fill('mended')); // prettier-ignore
  assert.equal(await run(projects, false), []);
  assert.ok(await store.get(keys.indexMark), 'it is indexed again');
});

verify('what nobody can mend here is said all the same', async ({ projects, store, keys }) => {
  await flip(store, keys.version(0));
  await flip(store, projectKey('other'));
  await store.write([writeHoldersMark(serverId)]);
  await flip(store, holdersMarkKey);
  const found = await run(projects, true);
  assert.equal(
    found.map(({ project, remedy }) => [project, remedy]),
    [
      [null, 'harmless'],
      ['p', 'harmless'],
      ['other', 'peer'],
    ],
  );
  assert.match(found[1]?.problem ?? '', /version 0 of udt is damaged/);
  await store.write([{ key: projectKey('other'), value: null }]);
  const lost = (await run(projects, false)).find(({ project }) => project === 'other');
  assert.match(lost?.problem ?? '', /the catalogue has lost its entry/);
});

verify(
  'a damaged snapshot is dropped while the log is whole, and kept where it may be the last',
  async ({ projects, store, keys }) => {
    const make = async (position: number): Promise<void> => {
      const writer = new SnapshotWriter(store, keys, position);
      await writer.add(new Uint8Array(1_000));
      await writer.finish({ madeMs: 1, vector: [[serverId, position]], stateDigest: '' });
    };
    await make(4);
    await make(6);
    await flip(store, keys.snapshotChunk(4, 0));
    const [found, ...more] = await run(projects, false);
    assert.equal(more, []);
    assert.equal([found?.position, found?.remedy], [4, 'mendable']);
    assert.match(found?.problem ?? '', /the snapshot at position 4: chunk 0 is damaged/);
    await run(projects, true);
    assert.is(await store.get(keys.snapshotHeader(4)), undefined);
    assert.ok(await store.get(keys.snapshotHeader(6)));

    // The updates that it covers are gone.
    const record = Buffer.from((await store.get(keys.record(5))) ?? []);
    const { withoutUpdate } = await import('../../src/store/record.ts');
    await store.write([{ key: keys.record(5), value: withoutUpdate(record) }]);
    assert.equal(await run(projects, false), []);
    await flip(store, keys.snapshotChunk(6, 0));
    const told = await run(projects, true);
    assert.equal(told.map(({ remedy }) => remedy), ['peer', 'peer']); // prettier-ignore
    assert.match(told[1]?.problem ?? '', /no snapshot that is whole covers them/);
    assert.ok(await store.get(keys.snapshotHeader(6)));
  },
);

verify('what is left of a purged project is found and removed', async ({ projects, store }) => {
  await projects.use('other', async (project) => {
    await project.delete();
    await project.purge();
  });
  const keys = new ProjectKeys('other');
  await store.write([{ key: keys.record(1), value: Uint8Array.of(1) }]);
  const found = await run(projects, true);
  assert.equal(found.map(({ project, remedy }) => [project, remedy]), [['other', 'mended']]); // prettier-ignore
  assert.is(await store.get(keys.record(1)), undefined);
});

verify('a session that is being created, or was given up, is no damage', async ({ projects, store }) => {
  const half = new ProjectKeys('half');
  const mark = unfinishedKey('half');
  await store.write([
    { key: mark, value: seal(mark, new Uint8Array()) },
    { key: half.record(1), value: (await store.get(new ProjectKeys('p').record(1))) ?? null },
  ]);
  assert.equal(await run(projects, true), []);
  const get = store.get.bind(store);
  store.get = (key) => (readKey(key)?.type === 'data' ? get(key) : get(key).finally(() => store.write([{ key: mark, value: null }, { key: half.record(1), value: null }]))); // prettier-ignore
  assert.equal(await run(projects, true), []);
  assert.is(await firstOf(store, half.all()), undefined);
});

verify('writes, purges and deletions meanwhile are no damage', async ({ projects, store }) => {
  const scan = store.scan.bind(store);
  let pages = 0;
  // Something happens behind the moment that is read.
  store.scan = async function* (range: Range) {
    for await (const page of scan(range)) {
      for (const entry of page) {
        yield [entry];
        if (readKey(entry.key)?.type !== 'data' || range.limit !== undefined || ++pages !== 3) continue;
        await uploadEntry(projects, 'p', 'later');
        await projects.use('other', async (project) => {
          await project.delete();
          await project.purge();
        });
      }
    }
  };
  assert.equal(await run(projects, true), []);
  assert.ok(pages > 3);
});

verify.run();
