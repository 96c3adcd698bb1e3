// REP-14: projects are deleted, come back with all that they had, and are deleted for good.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { allHolders, isHolder } from '../../src/store/store-keys.ts';
import { lifecycleOf, purgedLifecycle, readProjectInfo } from '../../src/store/project-info.ts';
import { finishPurges } from '../../src/store/purge.ts';
import { firstOf, type Store, type Write } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;

interface Context {
  store: FaultyStore;
  projects: Projects;
}

const lifecycle = suite<Context>('project lifecycle');

lifecycle.before.each((context) => {
  context.store = new FaultyStore();
  context.projects = openProjects(context.store).projects;
});
lifecycle.after.each(({ projects }) => projects.close());

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof RejoinError) return error.code;
    throw error;
  }
}

/** A session with one patch and two entries: four changes. */
async function fill(projects: Projects, id: string): Promise<void> {
  await projects.use(id, async (project) => {
    await project.udt.createSession({ samples: [{ document: 'a' }] }, udt);
    await project.udt.patch([{ op: 'add', path: '/samples/0/annotation', value: 'x' }], udt);
  });
  await uploadEntry(projects, id, `${id}-1`);
  await uploadEntry(projects, id, `${id}-2`);
}

async function keysOf(store: Store, project: string): Promise<number> {
  let keys = 0;
  for await (const page of store.scan(new ProjectKeys(project).all())) keys += page.length;
  for await (const page of store.scan(allHolders))
    keys += page.filter(({ key }) => isHolder(key, project)).length;
  return keys;
}

lifecycle(
  'REP-14 an undeleted project has all it had, and its numbers go on',
  async ({ projects, store }) => {
    await fill(projects, 'p');
    await projects.use('p', async (project) => {
      const before = await project.udt.read();
      await project.delete();
      assert.is(await codeOf(project.udt.read()), 'deleted');
      assert.is(await codeOf(uploadEntry(projects, 'p', 'late')), 'deleted');
      assert.is(lifecycleOf(project.info), 1);
      await project.undelete();
      const after = await project.udt.read();
      assert.equal([after.view, after.version], [before.view, before.version]);
      assert.is(lifecycleOf(project.info), 2);
    });
    await uploadEntry(projects, 'p', 'later');
    await projects.close();
    const { projects: again } = openProjects(store);
    await again.use('p', async (project) => {
      assert.equal([...project.durableVector], [[testLife.serverId, 5]]);
      assert.is(project.durablePosition, 5);
      const { version } = await project.udt.patch([{ op: 'add', path: '/name', value: 'n' }], udt);
      assert.is(version % 2 ** 32, 2);
      await project.delete();
      assert.is(lifecycleOf(project.info), 3);
    });
    await again.close();
  },
);

lifecycle('REP-14 those who were told that it is deleted simply come back', async ({ projects }) => {
  await fill(projects, 'p');
  await projects.use('p', async (project) => {
    const told: string[] = [];
    const stop = project.listen({ deleted: () => told.push('deleted'), undeleted: () => told.push('back') });
    const feed = await project.follow(new Map([[testLife.serverId, 4]]));
    const next = codeOf(feed.next());
    await project.delete();
    assert.is(await next, 'deleted');
    await project.undelete();
    assert.equal(told, ['deleted', 'back']);
    stop();
    const later = project.followFrom(4);
    await uploadEntry(projects, 'p', 'new');
    assert.equal(
      (await later.next())?.map(({ position }) => position),
      [5],
    );
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
    assert.equal([...doc.getMap('entries').keys()].sort(), ['new', 'p-1', 'p-2']);
  });
});

lifecycle('REP-14 who waits for a report finds it when its project is there again', async ({ projects }) => {
  await fill(projects, 'p');
  const report = { field: 'report', value: 'r' } as const;
  await projects.use('p', (project) => project.delete());
  assert.equal(await projects.projectsOf(report), []);
  const woken = new Promise<void>((resolve) => projects.onceKnown(report, resolve));
  await projects.use('p', (project) => project.undelete());
  await woken;
  assert.equal(await projects.projectsOf(report), ['p']);
});

lifecycle('REP-14 what can not be is refused by name', async ({ projects }) => {
  await fill(projects, 'p');
  await projects.use('p', async (project) => {
    assert.is(await codeOf(project.undelete()), 'conflict');
    assert.is(await codeOf(project.purge()), 'conflict');
    assert.is(project.durablePosition, 4);
    const beyond = { lifecycle: purgedLifecycle + 2, deletedMs: 1, vector: new Map<number, number>() };
    assert.is(await codeOf(project.setLifecycle(beyond)), 'bad-request');
  });
});

lifecycle(
  'REP-14 a higher lifecycle of another server wins, a lower or equal one changes nothing',
  async ({ projects, store }) => {
    await fill(projects, 'p');
    const vector = new Map([
      [testLife.serverId, 3],
      [77, 8],
    ]);
    await projects.use('p', async (project) => {
      assert.is(await project.setLifecycle({ lifecycle: 0, deletedMs: 0, vector }), false);
      assert.is(await project.setLifecycle({ lifecycle: 3, deletedMs: 5, vector }), true);
      assert.is(await codeOf(project.udt.read()), 'deleted');
      assert.is(await project.setLifecycle({ lifecycle: 2, deletedMs: 6, vector }), false);
      assert.is(await project.setLifecycle({ lifecycle: 3, deletedMs: 6, vector }), false);
      assert.is(project.info?.tombstone?.deletedMs, 5);
      // Nothing that either of them has given out may be given again.
      assert.equal(
        new Map(project.info?.tombstone?.vector),
        new Map([
          [testLife.serverId, 4],
          [77, 8],
        ]),
      );
      assert.is(await project.setLifecycle({ lifecycle: 4, deletedMs: 5, vector }), true);
      assert.is((await project.udt.read()).version, 1);
      assert.is(await project.setLifecycle({ lifecycle: purgedLifecycle, deletedMs: 7, vector }), true);
      assert.is(await codeOf(project.undelete()), 'deleted');
    });
    // A server that was told so keeps what it has until it is purged there.
    assert.ok((await keysOf(store, 'p')) > 10);
    await projects.use('p', (project) => project.purge());
    assert.is(await keysOf(store, 'p'), 0);
  },
);

lifecycle('REP-14 a tombstone of a project that is not known here is kept', async ({ projects, store }) => {
  const theirs = { lifecycle: 1, deletedMs: 5, vector: new Map([[77, 8]]) };
  await projects.use('q', (project) => project.setLifecycle(theirs));
  assert.is(await codeOf(uploadEntry(projects, 'q', 'a')), 'deleted');
  await projects.close();
  const { projects: again } = openProjects(store);
  assert.is(await codeOf(uploadEntry(again, 'q', 'a')), 'deleted');
  await again.use('q', (project) => project.undelete());
  await uploadEntry(again, 'q', 'a');
  assert.is(await again.use('q', (project) => Promise.resolve(project.durablePosition)), 1);
  await again.close();
});

lifecycle(
  'REP-14 a purge leaves the tombstone alone of the project, and others as they are',
  async ({ projects, store }) => {
    await fill(projects, 'p');
    await fill(projects, 'p2');
    const others = await keysOf(store, 'p2');
    const entry = await readProjectInfo(store, 'p2');
    let removed = 0;
    await projects.use('p', async (project) => {
      await project.delete();
      await project.purge((keys) => (removed = keys));
      await project.purge(); // once more changes nothing
      assert.is(await codeOf(project.undelete()), 'deleted');
    });
    assert.ok(removed > 10, `${removed} keys`);
    assert.is(await keysOf(store, 'p'), 0);
    assert.is(await keysOf(store, 'p2'), others);
    assert.equal(await readProjectInfo(store, 'p2'), entry);

    await projects.close();
    const witness = new MemoryWitness();
    witness.note('p', { position: 4, serverId: testLife.serverId, seqno: 4 });
    const { projects: again, events } = openProjects(store, { witness });
    assert.is(await codeOf(uploadEntry(again, 'p', 'a')), 'deleted');
    await again.use('p', (project) => {
      assert.is(lifecycleOf(project.info), purgedLifecycle);
      assert.equal([...project.durableVector], [[testLife.serverId, 4]]);
      assert.is(project.info?.session?.user, '');
      return Promise.resolve();
    });
    await again.upkeep.sweep();
    assert.equal(await again.projectsOf({ field: 'report', value: 'r' }), ['p2']);
    assert.is(await keysOf(store, 'p'), 0); // nor does what looks after projects write anything
    assert.equal(events, []); // nothing is missing
    await again.close();
  },
);

lifecycle('REP-14 a purge that was cut off anywhere is gone on with', async () => {
  // Each write of it is the last one once.
  for (let last = 1; ; last++) {
    const store = new FaultyStore();
    const { projects } = openProjects(store);
    await fill(projects, 'p');
    await projects.use('p', (project) => project.delete());
    const write = store.write.bind(store);
    let writes = 0;
    store.write = (batch: readonly Write[]) =>
      ++writes > last ? new Promise(() => undefined) : write(batch); // the process is killed
    const purged = projects.use('p', (project) => project.purge()).then(() => 'whole');
    const outcome = await Promise.race([purged, turns(200).then(() => 'cut off')]);
    store.write = write;
    assert.equal((await finishPurges(store)).length, outcome === 'whole' ? 0 : 1);
    assert.is(await keysOf(store, 'p'), 0);
    const { projects: again, events } = openProjects(store);
    assert.is(await codeOf(uploadEntry(again, 'p', 'a')), 'deleted');
    assert.equal(events, []);
    await again.close();
    if (outcome === 'whole') {
      assert.ok(last >= 3, `${last} writes`);
      return;
    }
  }
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

lifecycle('REP-14 a purge whose write fails may be asked for again', async ({ projects, store }) => {
  await fill(projects, 'p');
  await projects.use('p', (project) => project.delete());
  const write = store.write.bind(store);
  let writes = 0;
  store.write = (batch: readonly Write[]) => {
    if (++writes === 2) store.failNext('is lost');
    return write(batch);
  };
  assert.is(await codeOf(projects.use('p', (project) => project.purge())), 'outcome-unknown');
  await projects.use('p', (project) => project.purge());
  assert.is(await keysOf(store, 'p'), 0);
  assert.is(await firstOf(store, { from: Buffer.from('q'), before: Buffer.from('r') }), undefined);
});

lifecycle.run();
