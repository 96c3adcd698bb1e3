// Counts of objects: made once from the index of uuids, then kept current from the log; the same whichever way.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Projects } from '../../src/core/projects.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Range, Store } from '../../src/store/store.ts';
import { openProjects } from '../support/memory-projects.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const counts = suite('counts of objects');

/** A store that counts how many entries of the index of uuids are read. */
class WatchedStore extends MemoryStore {
  uuidsRead = 0;

  override async *scan(range: Range): ReturnType<MemoryStore['scan']> {
    const isIndex = Buffer.compare(range.from, new ProjectKeys('p').uuids('entry').from) === 0;
    for await (const page of super.scan(range)) {
      if (isIndex) this.uuidsRead += page.length;
      yield page;
    }
  }
}

async function entriesOf(projects: Projects): Promise<number> {
  const { objects, position } = await projects.use('p', (project) => project.summary());
  assert.equal([objects.thread, objects.comment], [0, 0]);
  assert.is(position, objects.entry, 'as many changes, for nothing else was done');
  return objects.entry;
}

async function uploadMany(projects: Projects, first: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => uploadEntry(projects, 'p', `v${first + i}`)));
}

counts('the index is read once; what follows is counted from the log', async () => {
  const store = new WatchedStore();
  const { projects } = openProjects(store);
  await uploadMany(projects, 0, 700);
  assert.is(await entriesOf(projects), 700);
  assert.is(store.uuidsRead, 700);
  for (let i = 0; i < 5; i++) {
    await uploadMany(projects, 700 + 10 * i, 10);
    assert.is(await entriesOf(projects), 710 + 10 * i);
  }
  assert.is(store.uuidsRead, 700, 'it was not read again');
  await projects.close();
});

counts('with much to catch up with, the index is counted again', async () => {
  const store = new WatchedStore();
  const { projects } = openProjects(store);
  await uploadMany(projects, 0, 10);
  assert.is(await entriesOf(projects), 10);
  await uploadMany(projects, 10, 1_500);
  assert.is(await entriesOf(projects), 1_510);
  assert.is(store.uuidsRead, 1_520);
  await projects.close();
});

counts('what is acknowledged before one asks is counted, however many ask and write meanwhile', async () => {
  const { projects } = openProjects(new MemoryStore());
  let acknowledged = 0;
  const writing = (async () => {
    for (let i = 0; i < 100; i++) {
      await uploadEntry(projects, 'p', `v${i}`);
      acknowledged++;
    }
  })();
  const asking = Array.from({ length: 5 }, async () => {
    while (acknowledged < 100) {
      const before = acknowledged;
      assert.ok((await entriesOf(projects)) >= before);
      await new Promise(setImmediate);
    }
  });
  await Promise.all([writing, ...asking]);
  assert.is(await entriesOf(projects), 100);
  await projects.close();
});

counts('what is said of a project, and what is read of its objects, needs no document', async () => {
  const { projects } = openProjects(new MemoryStore());
  await uploadEntry(projects, 'p', 'v');
  await projects.use('p', async (project) => {
    await project.summary();
    const feed = await project.select({
      objects: [{ kind: 'entry', since: new Map(), match: null }],
      udt: null,
    });
    assert.is((await feed.next())?.length, 1);
    feed.close();
    assert.ok(project.isIdle, 'it has no document in memory');
    await project.readDocument();
    assert.not(project.isIdle, 'now it has');
  });
  await projects.close();
});

counts('a new start counts the same', async () => {
  const disk = new MemoryDisk();
  const open = (): Store => new MemoryStore(disk);
  const first = openProjects(open());
  await uploadMany(first.projects, 0, 30);
  await first.projects.close();
  const second = openProjects(open());
  assert.is(await entriesOf(second.projects), 30);
  await second.projects.close();
});

counts.run();
