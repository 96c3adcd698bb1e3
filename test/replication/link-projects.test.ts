// Links between servers with their real cores: what was written on all wires on every server, while links are cut and frames lost,
// is equal on all in the end: records, documents and hashes (REP-5, REP-6, REP-14).

import { setTimeout as sleep } from 'node:timers/promises';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import { MemoryDisk } from '../../src/store/memory.ts';
import { LinkedProjects, linkedServer, type LinkedServer } from '../support/linked-projects.ts';
import { documentOf, recordsOf } from '../support/memory-servers.ts';
import { editUdtAtRandom } from '../support/random-udt-edits.ts';
import { testSeed } from '../support/seed.ts';
import { objectsOf, readSelected, uuidsIn } from '../support/selected.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite<{ linked: LinkedProjects[] }>('link projects');

test.before.each((context) => {
  context.linked = [];
});

test.after.each(async ({ linked }) => {
  for (const each of linked) await each.close();
});

const yjs = { protocol: 'yjs', user: 'ann' } as const;

function servers(context: { linked: LinkedProjects[] }, count: number): LinkedProjects {
  const linked = new LinkedProjects(count);
  context.linked.push(linked);
  return linked;
}

/** What a Yjs client does that has what the server has. */
async function edit(
  { projects }: LinkedServer,
  project: string,
  change: (doc: Y.Doc) => void,
): Promise<Uint8Array> {
  const doc = await documentOf(projects, project);
  const before = Y.encodeStateVector(doc);
  change(doc);
  const update = Y.encodeStateAsUpdate(doc, before);
  await apply(projects, project, update);
  return update;
}

async function apply(projects: LinkedServer['projects'], project: string, update: Uint8Array): Promise<void> {
  const outcome = await projects.use(project, (opened) => opened.applyUpdate(update, yjs));
  assert.is(outcome.type, 'accepted');
  if (outcome.type === 'accepted') await outcome.durable;
}

const entry = (uuid: string) => ({
  version_uuid: uuid,
  report_uuid: 'r',
  entry_uuid: `e-${uuid}`,
  clip_id: '11b',
  content: {},
  authortime: '2026-01-01T00:00:00.000Z',
});

test('REP-5 two servers that wrote apart on all wires become equal, and stay so while both write', async (context) => {
  const linked = servers(context, 2);
  for (const [at, server] of linked.servers.entries()) {
    await uploadEntry(server.projects, 'p', `entry ${at}`);
    await edit(server, 'p', (doc) => doc.getMap('udt').set(`k${at}`, new Y.Array()));
    await edit(server, `only ${at}`, (doc) => doc.getText('notes').insert(0, `said ${at}`));
  }
  linked.link(0, 1);
  await linked.converged(['p', 'only 0', 'only 1']);
  for (let round = 0; round < 5; round++)
    await Promise.all(
      linked.servers.map(async (server, at) => {
        await uploadEntry(server.projects, 'p', `entry ${at} of ${round}`);
        await edit(server, 'p', (doc) => doc.getMap('udt').set('both', `${at} ${round}`));
      }),
    );
  await linked.converged(['p', 'only 0', 'only 1']);
  assert.is((await recordsOf(linked.server(1))).size, 2 * 2 + 5 * 2 * 2);
  for (const { projects } of linked.servers) {
    const uuids = uuidsIn(await readSelected(projects, 'p', { objects: [objectsOf('entry')] }));
    assert.is(new Set(uuids).size, uuids.length, 'each is streamed once');
    assert.is(uuids.length, 12);
  }
});

test('REP-5 three servers in a ring, links that are cut, frames that are lost and repeated: all become equal', async (context) => {
  const generator = prng.create(testSeed('three servers in a ring'));
  const chance = (oneIn: number): boolean => prng.uint32(generator, 1, oneIn) === 1;
  const linked = servers(context, 3);
  let isBad = true;
  const trouble = {
    isLost: () => isBad && chance(40),
    isRepeated: () => isBad && chance(8),
    isCut: () => isBad && chance(40),
  };
  for (const [from, to] of [
    [0, 1],
    [1, 2],
    [2, 0],
  ] as const)
    linked.link(from, to, trouble);
  const projects = ['p', 'q', 'r'];
  for (let step = 0; step < 60; step++) {
    const server = prng.oneOf(generator, linked.servers);
    const project = prng.oneOf(generator, projects);
    if (chance(3)) await uploadEntry(server.projects, project, `entry ${step}`);
    else await edit(server, project, (doc) => editUdtAtRandom(generator, doc));
    if (chance(10)) prng.oneOf(generator, linked.links).cut();
    if (chance(3)) await sleep(prng.uint32(generator, 1, 30));
  }
  isBad = false;
  await linked.converged(projects);
  assert.equal(
    linked.links.flatMap(({ ends }) => ends.filter(({ type }) => type === 'refused')),
    [],
  );
});

test('REP-6 a client that hands the same update to both servers before they meet: both records stay, each object is streamed once', async (context) => {
  const linked = servers(context, 2);
  const [a, b] = [linked.server(0), linked.server(1)];
  const update = await edit(a, 'p', (doc) => {
    doc.getMap('entries').set('e1', entry('e1'));
    doc.getMap('udt').set('k', 1);
  });
  await apply(b.projects, 'p', update);
  linked.link(1, 0);
  await linked.converged(['p']);
  const records = [...(await recordsOf(a)).keys()];
  assert.equal([...new Set(records.map((number) => number.split(' ')[0]))], ['1', '2'], 'of both servers');
  for (const { projects } of linked.servers)
    assert.equal(uuidsIn(await readSelected(projects, 'p', { objects: [objectsOf('entry')] })), ['e1']);
});

test('REP-6 a client that moves between linked servers in the middle leaves both equal', async (context) => {
  const linked = servers(context, 3);
  linked.link(0, 1);
  linked.link(1, 2);
  const client = new Y.Doc();
  for (let step = 0; step < 30; step++) {
    const { projects } = linked.server(step % 3);
    const before = Y.encodeStateVector(await documentOf(projects, 'p'));
    client.getMap('entries').set(`e${step}`, entry(`e${step}`));
    client.getArray('list').push([step]);
    await apply(projects, 'p', Y.encodeStateAsUpdate(client, before));
  }
  await linked.converged(['p']);
  for (const { projects } of linked.servers)
    assert.is(uuidsIn(await readSelected(projects, 'p', { objects: [objectsOf('entry')] })).length, 30);
});

test('REP-14 a project that is deleted on one side while the other writes is deleted on both, and comes back with all of it', async (context) => {
  const linked = servers(context, 3);
  linked.link(0, 1);
  linked.link(1, 2);
  const [a, , c] = linked.servers;
  assert.ok(a && c);
  await uploadEntry(a.projects, 'p', 'first');
  await linked.converged(['p']);
  await uploadEntry(c.projects, 'p', 'streams are open');
  await linked.converged(['p']);
  const deletes = a.projects.use('p', (project) => project.delete());
  for (let i = 0; i < 20; i++) {
    try {
      await uploadEntry(c.projects, 'p', `meanwhile ${i}`);
    } catch (error) {
      assert.is(error instanceof RejoinError && error.code, 'deleted');
      break;
    }
  }
  await deletes;
  await until('it is deleted everywhere', async () => {
    const standings = await Promise.all(linked.servers.map(({ replicas }) => replicas.standing('p')));
    return standings.every(({ lifecycle }) => lifecycle === 1);
  });
  await c.projects.use('p', (project) => project.undelete());
  await linked.converged(['p']);
  const standing = await a.replicas.standing('p');
  assert.is(standing.lifecycle, 2);
  await uploadEntry(a.projects, 'p', 'afterwards');
  await linked.converged(['p']);
});

test('REP-14 a server that was away learns of a deletion when it comes back', async (context) => {
  const linked = servers(context, 2);
  const link = linked.link(0, 1);
  await uploadEntry(linked.server(0).projects, 'p', 'first');
  await linked.converged(['p']);
  link.down();
  await linked.server(0).projects.use('p', (project) => project.delete());
  await uploadEntry(linked.server(1).projects, 'p', 'written while away');
  link.up();
  await until(
    'it is deleted there',
    async () => (await linked.server(1).replicas.standing('p')).lifecycle === 1,
  );
  await until('the links have nothing to say', () => link.isInStep);
});

test('REP-8 an older copy of a folder takes a new server id, and gets back what it lacks', async (context) => {
  const linked = servers(context, 2);
  const [a, b] = [linked.server(0), linked.server(1)];
  const link = linked.link(0, 1);
  for (const uuid of ['e1', 'e2']) await uploadEntry(a.projects, 'p', uuid);
  const disk = new MemoryDisk();
  disk.entries = a.disk.entries;
  for (const uuid of ['e3', 'e4']) await uploadEntry(a.projects, 'p', uuid);
  await linked.converged(['p']);
  link.down();
  const restored = servers(context, 1);
  restored.servers[0] = linkedServer(1, disk);
  restored.servers.push(b);
  const [again] = restored.servers;
  restored.link(0, 1);
  await restored.converged(['p']);
  assert.is.not(again.replicas.serverId, 1, 'it has another server id');
  assert.equal([...(await recordsOf(again)).keys()], ['1 1', '1 2', '1 3', '1 4']);
  await uploadEntry(again.projects, 'p', 'new');
  await restored.converged(['p']);
  restored.servers.pop(); // it is closed with the others
});

for (const deletedBy of ['the other server', 'both servers'] as const)
  test(`REP-8 REP-14 an older copy of a folder is told of numbers in a project that ${deletedBy} had deleted`, async (context) => {
    const linked = servers(context, 2);
    const [a, b] = [linked.server(0), linked.server(1)];
    const link = linked.link(0, 1);
    const disk = new MemoryDisk();
    for (const uuid of ['e1', 'e2']) await uploadEntry(a.projects, 'p', uuid);
    disk.entries = a.disk.entries;
    await uploadEntry(a.projects, 'p', 'e3');
    await linked.converged(['p']);
    await b.projects.use('p', (project) => project.delete());
    await untilDeleted(linked);
    link.down();

    const restored = servers(context, 1);
    restored.servers[0] = linkedServer(1, disk);
    restored.servers.push(b);
    const [again] = restored.servers;
    // Deleted on both, with one lifecycle: the numbers alone tell.
    if (deletedBy === 'both servers') await again.projects.use('p', (project) => project.delete());
    const other = restored.link(0, 1);
    await until('it has another server id', () => again.replicas.serverId !== 1);
    await untilDeleted(restored);
    await until(
      'both say the same of it',
      async () => (await restored.digests(['p'])).isSame && other.isInStep,
    );
    await again.projects.use('p', (project) => project.undelete());
    await uploadEntry(again.projects, 'p', 'new');
    await restored.converged(['p']);
    assert.equal(
      [...(await recordsOf(again)).keys()],
      ['1 1', '1 2', '1 3', `${again.replicas.serverId} 1`].sort(),
    );
    restored.servers.pop(); // it is closed with the others
  });

test('REP-14 what is deleted with other numbers here and there is spoken of until all know them, and no more', async (context) => {
  const linked = servers(context, 3);
  const numbers: [number, number][] = [];
  for (const [at, { projects, replicas }] of linked.servers.entries()) {
    for (let i = 0; i <= at; i++) await uploadEntry(projects, 'p', `of ${at}, ${i}`);
    await projects.use('p', (project) => project.delete());
    numbers.push([replicas.serverId, at + 1]);
  }
  linked.link(0, 1);
  linked.link(1, 2);
  await until('all know them', async () => (await linked.digests(['p'])).isSame);
  await until('the links have nothing to say', () => linked.links.every(({ isInStep }) => isInStep));
  for (const { replicas } of linked.servers) {
    const { heads } = await replicas.standing('p');
    assert.equal(
      heads.map(({ serverId, seqno }) => [serverId, seqno]),
      numbers,
    );
  }
  // What one knows of is not what it has.
  await linked.server(1).projects.use('p', (project) => project.undelete());
  await linked.converged(['p']);
  assert.is((await recordsOf(linked.server(0))).size, 6);
});

function untilDeleted({ servers }: LinkedProjects): Promise<void> {
  return until('it is deleted everywhere', async () => {
    const standings = await Promise.all(servers.map(({ replicas }) => replicas.standing('p')));
    return standings.every(({ lifecycle }) => lifecycle % 2 === 1);
  });
}

test.run();
