// UDT-13: how long versions of `udt` can be answered with patches.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Projects } from '../../src/core/projects.ts';
import type { UdtDifferences } from '../../src/core/udt-reads.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { openProjects } from '../support/memory-projects.ts';
import { until } from '../support/until.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const hourMs = 60 * 60 * 1000;
const test = suite('UDT-13');

test('UDT-13 patches of the last hour are kept, older ones as long as was asked for', async () => {
  const { projects, clock } = openProjects(new MemoryStore(), { upkeep: { udtHistoryMs: 2 * hourMs } });
  const startMs = clock.nowMs;
  await session(projects);
  for (const value of [1, 2, 3, 4]) {
    await patch(projects, value);
    clock.nowMs += hourMs; // versions 1 to 4 at 0, 1, 2 and 3 hours
  }
  clock.nowMs = startMs + 3.5 * hourMs;
  await restart(projects);
  await projects.upkeep.sweep();

  assert.is((await after(projects, 3)).versions.length, 1);
  assert.is((await after(projects, 2)).versions.length, 2);
  assert.ok(isRebuild(await after(projects, 1)));
  assert.ok(isRebuild(await after(projects, 0)));
  assert.is((await after(projects, new Date(startMs + 2.5 * hourMs))).versions.length, 1);
  assert.ok(isRebuild(await after(projects, new Date(startMs + 1.2 * hourMs))));
  await projects.close();
});

test('UDT-13 the newest version stays, so that numbers go on and a reload finds the hash', async () => {
  const store = new MemoryStore();
  const first = openProjects(store, { upkeep: { udtHistoryMs: hourMs } });
  await session(first.projects);
  await patch(first.projects, 1);
  first.clock.nowMs += hourMs; // no race (UDT-8)
  await patch(first.projects, 2);
  first.clock.nowMs += 1_000 * hourMs;
  await first.projects.upkeep.sweep();
  await first.projects.close();
  await store.reopen();
  const second = openProjects(store);
  await patch(second.projects, 3);
  const { versions, latest } = await after(second.projects, 1);
  assert.is(latest.version, 3);
  assert.is(versions.length, 2);
  assert.ok(isRebuild(await after(second.projects, 0)));
  assert.equal(second.events, []);
  await second.projects.close();
});

test('UDT-10 UDT-13 an old version that is damaged is told; its clients are rebuilt, and it goes when its time comes', async () => {
  const store = new MemoryStore();
  const { projects, clock, events } = openProjects(store, { upkeep: { udtHistoryMs: hourMs } });
  await session(projects);
  for (const value of [1, 2, 3]) {
    clock.nowMs += 10_000; // no race (UDT-8)
    await patch(projects, value);
  }
  await restart(projects);
  const keys = new ProjectKeys('s');
  await store.write([{ key: keys.version(2), value: Buffer.from('not what was written') }]);
  assert.ok(isRebuild(await after(projects, 1)));
  assert.is((await after(projects, 2)).versions.length, 1);
  assert.match(events[0]?.detail ?? '', /version 2 of udt/);

  clock.nowMs += 2 * hourMs;
  await projects.upkeep.sweep();
  for (const gone of [1, 2]) assert.is(await store.get(keys.version(gone)), undefined);
  assert.is((await after(projects, 3)).latest.version, 3);
  await projects.close();
});

async function session(projects: Projects): Promise<void> {
  await projects.use('s', (project) => project.udt.createSession({ n: 0 }, udt));
}

async function patch(projects: Projects, value: number): Promise<void> {
  await projects.use('s', (project) => project.udt.patch([{ op: 'replace', path: '/n', value }], udt));
}

function after(projects: Projects, since: number | Date): Promise<UdtDifferences> {
  return projects.use('s', (project) => project.udt.after(since));
}

/** Takes what is kept in memory out of it. */
async function restart(projects: Projects): Promise<void> {
  await projects.use('s', (project) => project.closeDocument(() => false));
}

/** One list of operations that replaces every top-level key, whatever came between. */
function isRebuild({ versions }: UdtDifferences): boolean {
  const [only] = versions;
  const operation = only?.patch[0];
  return versions.length === 1 && only?.edits.length === 0 && operation?.op === 'replace';
}

test('UDT-8 a change is remembered while the project is out of memory', async () => {
  const store = new MemoryStore();
  const first = openProjects(store);
  await session(first.projects);
  first.clock.nowMs += hourMs; // no race before the one that is looked at
  await patch(first.projects, 1);
  await first.projects.close();
  await store.reopen();
  const second = openProjects(store, {}, first.clock);
  second.clock.nowMs += 1_000;
  await patch(second.projects, 2);
  await until('the refresh is there', async () => (await after(second.projects, 2)).versions.length === 1);
  await second.projects.close();
});

test('UDT-8 a refresh holds no list that changes later', async () => {
  const { projects, clock } = openProjects(new MemoryStore());
  const replace = (path: string, value: number) =>
    projects.use('s', (project) => project.udt.patch([{ op: 'replace', path, value }], udt));
  await projects.use('s', (project) =>
    project.udt.createSession({ interface: [{ n: 0 }], a: { b: 0 } }, udt),
  );
  clock.nowMs += hourMs; // no race before the one that is looked at
  await replace('/a/b', 1);
  await replace('/a/b', 2);
  await until('the refresh is there', async () => (await after(projects, 2)).versions.length === 1);
  clock.nowMs += hourMs;
  const { versions } = await after(projects, 2);
  const refresh = structuredClone(versions[0]?.patch);
  await replace('/interface/0/n', 1);
  assert.equal((await after(projects, 2)).versions[0]?.patch, refresh);
  await projects.close();
});

test.run();
