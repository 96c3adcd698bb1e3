// UDT-8: when a version is made that only refreshes screens, and which polls wait for it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Project } from '../../src/core/project.ts';
import { Refreshes } from '../../src/core/refreshes.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { HeldStore, someTurns } from '../support/held-store.ts';
import { openProjects, type MemoryProjects } from '../support/memory-projects.ts';
import { until } from '../support/until.ts';

const startMs = Date.UTC(2026, 0, 1);
const ann = { protocol: 'udt', user: 'ann' } as const;
const yjs = { protocol: 'yjs', user: 'bob' } as const;

interface Context {
  clock: { nowMs: number };
  refreshes: Refreshes;
  made: number;
  /** What making one does; nothing unless a test says otherwise. */
  make: () => Promise<void>;
}

const test = suite<Context>('UDT-8 refreshes');

test.before.each((context) => {
  context.clock = { nowMs: startMs };
  context.made = 0;
  context.make = () => Promise.resolve();
  const environment = { ...realEnvironment, now: () => context.clock.nowMs };
  context.refreshes = new Refreshes(environment, () => {
    context.made++;
    return context.make();
  });
});
test.after.each(({ refreshes }) => refreshes.end());

for (const [agoMs, isRace] of [
  [0, true],
  [3_000, true],
  [3_001, false],
  [-3_000, true], // the clock was set back
  [-3_001, false],
  [Infinity, false],
] as const) {
  test(`UDT-8 a change ${agoMs} ms before ${isRace ? 'races with' : 'is no race for'} a PATCH`, ({
    refreshes,
  }) => {
    refreshes.patched(startMs - agoMs);
    assert.is(refreshes.isPending, isRace);
  });
}

test('UDT-8 one is made, once, and is done then', async (context) => {
  const { refreshes } = context;
  refreshes.patched(startMs - 1_000);
  assert.is(context.made, 0);
  await until('it was made', () => !refreshes.isPending);
  assert.is(context.made, 1);
  refreshes.patched(startMs - 1_000);
  await until('another was made', () => !refreshes.isPending);
  assert.is(context.made, 2);
});

test('UDT-8 PATCHes within 50 ms share one, a later one has its own', async (context) => {
  const { refreshes, clock } = context;
  refreshes.patched(startMs);
  for (const laterMs of [0, 20, 50]) {
    clock.nowMs = startMs + laterMs;
    refreshes.patched(startMs);
  }
  clock.nowMs = startMs + 51;
  refreshes.patched(startMs);
  clock.nowMs = startMs + 101;
  refreshes.patched(startMs);
  await until('all were made', () => !refreshes.isPending);
  await until('both were made', () => context.made >= 2);
  await someTurns();
  assert.is(context.made, 2);
});

test('UDT-8 who reads the state behind a race, when the screens were refreshed already, has another one made', async (context) => {
  const { refreshes, clock } = context;
  refreshes.wasRead();
  assert.is(refreshes.isPending, false, 'there was no race');
  refreshes.patched(startMs);
  refreshes.wasRead();
  await until('it was made', () => !refreshes.isPending);
  assert.is(context.made, 1, 'one that follows what is read will do');
  clock.nowMs += 30_000;
  refreshes.wasRead();
  await until('another was made', () => !refreshes.isPending);
  assert.is(context.made, 2);
  clock.nowMs += 1;
  refreshes.wasRead();
  assert.is(refreshes.isPending, false, 'no line is as slow');
});

test('UDT-8 what is read while a refresh is being made may have it: another one is made', async (context) => {
  const { refreshes } = context;
  let finish = (): void => undefined;
  context.make = () => new Promise((resolve) => (finish = resolve));
  refreshes.patched(startMs);
  await until('it is being made', () => context.made === 1);
  refreshes.wasRead();
  finish();
  await until('another is being made', () => context.made === 2);
  finish();
  await until('it is done', () => !refreshes.isPending);
});

test('UDT-8 none is made any more when the server stops', async (context) => {
  const { refreshes } = context;
  refreshes.patched(startMs);
  refreshes.end();
  await until('it was given up', () => !refreshes.isPending);
  refreshes.patched(startMs);
  await until('it was given up', () => !refreshes.isPending);
  assert.is(context.made, 0);
});

test('UDT-8 one that fails is nobody’s matter but of who makes it', async (context) => {
  const { refreshes, clock } = context;
  context.make = () => Promise.reject(new Error('the store failed'));
  void refreshes.polled();
  clock.nowMs += 400;
  refreshes.patched(startMs);
  await refreshes.polled();
  await until('it is done', () => !refreshes.isPending);
  assert.is(context.made, 1);
});

test('UDT-8 a poll waits only for one that is due, on a screen that is being watched', async (context) => {
  const { refreshes, clock } = context;
  assert.is(refreshes.polled(), null, 'nothing is due');
  clock.nowMs += 300;
  refreshes.patched(startMs);
  assert.is(refreshes.polled(), null, 'the first poll was 300 ms ago');
  clock.nowMs += 100;
  const waiting = refreshes.polled();
  assert.ok(waiting);
  await waiting;
  assert.is(context.made, 1);
  await until('it is done', () => !refreshes.isPending);
  assert.is(refreshes.polled(), null, 'none is due any more');
});

test('UDT-8 a session is watched as long as it is polled every few seconds', ({ refreshes, clock }) => {
  void refreshes.polled();
  for (let polls = 0; polls < 3; polls++) {
    clock.nowMs += 5_000;
    void refreshes.polled();
  }
  refreshes.patched(clock.nowMs);
  assert.ok(refreshes.polled());
  clock.nowMs += 5_001;
  assert.is(refreshes.polled(), null, 'it was forgotten');
  clock.nowMs += 400;
  assert.is(refreshes.polled(), null, 'a refresh that is late lets no poll wait');
  refreshes.patched(clock.nowMs);
  assert.ok(refreshes.polled(), 'it is watched again');
});

interface InProject extends MemoryProjects {
  store: HeldStore;
  project: Project;
  release: () => void;
}

const inProject = suite<InProject>('UDT-8 in a project');

inProject.before.each(async (context) => {
  context.store = new HeldStore();
  context.store.isHolding = false;
  Object.assign(context, openProjects(context.store));
  Object.assign(context, await context.projects.acquire('s'));
  await context.project.udt.createSession({ interface: { type: 't' }, samples: [{}, {}] }, ann);
});
inProject.after.each(async ({ projects, release }) => {
  release();
  await projects.close();
});

const label = (index: number) => [{ op: 'add', path: `/samples/${index}/annotation`, value: 'x' }] as const;

/** The versions since the beginning, as the users who made them; a refresh by its path. */
async function versionsOf(project: Project): Promise<string[]> {
  const { versions } = await project.udt.after(0);
  return versions.map(({ edits, user, patch }) => (edits.length > 0 ? user : (patch[0]?.path ?? 'nothing')));
}

async function editByYjs(project: Project, edit: (udt: Y.Map<unknown>) => void): Promise<void> {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
  const before = Y.encodeStateVector(doc);
  edit(doc.getMap('udt'));
  const outcome = await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), yjs);
  assert.is(outcome.type, 'accepted');
  if (outcome.type === 'accepted') await outcome.durable;
}

inProject('a single PATCH, of a session that was just created, is no race', async ({ project }) => {
  await project.udt.patch(label(0), ann);
  await someTurns();
  assert.ok(project.udt.isIdle);
  assert.equal(await versionsOf(project), ['ann']);
});

inProject('PATCHes of two people: one more version, which changes nothing', async ({ project, clock }) => {
  await project.udt.patch(label(0), ann);
  clock.nowMs += 2_000;
  const { hash, summaryHash } = await project.udt.patch(label(1), { ...ann, user: 'bob' });
  await until('it was made', () => project.udt.isIdle);
  assert.equal(await versionsOf(project), ['ann', 'bob', '/interface']);
  const { latest } = await project.udt.after(0);
  assert.is(latest.version, 3);
  assert.is(latest.hash, hash);
  assert.is(latest.summaryHash, summaryHash);
  const ofV2 = await project.udt.after(2, 'v2');
  assert.equal(
    ofV2.versions.map(({ patch }) => patch),
    [[]],
    'v2 clients need none',
  );
  clock.nowMs += 3_001; // a refresh is no change that races
  await project.udt.patch(label(0), ann);
  assert.ok(project.udt.isIdle);
});

inProject('who reads the whole state late behind a race gets another one', async ({ project }) => {
  await project.udt.patch(label(0), ann);
  await project.udt.patch(label(1), { ...ann, user: 'bob' });
  await until('it was made', () => project.udt.isIdle);
  const { version } = await project.udt.read();
  await until('another was made', () => project.udt.isIdle);
  const { versions } = await project.udt.after(version);
  assert.equal(
    versions.map(({ edits, patch }) => [edits.length, patch[0]?.path]),
    [[0, '/interface']],
  );
});

inProject('a PATCH behind a change by Yjs races with it', async ({ project, clock }) => {
  await editByYjs(project, (udt) => udt.set('name', 'n'));
  await someTurns();
  assert.ok(project.udt.isIdle, 'a Yjs client has its screen');
  clock.nowMs += 1_000;
  await project.udt.patch(label(1), ann);
  await until('it was made', () => project.udt.isIdle);
  assert.equal(await versionsOf(project), ['bob', 'ann', '/interface']);
});

inProject('what changes nothing in udt is no race', async ({ project }) => {
  await project.udt.patch([], ann);
  await project.udt.patch([{ op: 'test', path: '/interface/type', value: 't' }], ann);
  await editByYjs(project, (udt) => udt.doc?.getMap('notes').set('a', 1));
  await project.udt.patch(label(0), ann);
  await project.udt.patch([], ann);
  await project.udt.patch(label(0), ann); // as it is already
  await project.udt.patch([{ op: 'remove', path: '/samples/9' }], ann).catch(() => undefined);
  await someTurns();
  assert.ok(project.udt.isIdle);
  assert.equal(await versionsOf(project), ['nothing', 'nothing', 'ann', 'nothing', 'nothing']);
});

inProject('a poll behind a race is held until the screen can be refreshed', async (context) => {
  const { project, clock, store } = context;
  const startedMs = clock.nowMs;
  for (let polls = 0; polls < 16; polls++) {
    await project.udt.after(0);
    clock.nowMs += 2_000;
  }
  await project.udt.patch(label(0), ann);
  const { version } = await project.udt.patch(label(1), ann);
  clock.nowMs = startedMs + 1_000; // so that the poll isn't given up before it was looked at, however slow the machine is
  store.isHolding = true; // the refresh can't be made before it is let go
  assert.equal((await project.udt.after(version, 'v2')).versions, [], 'v2 never waits');
  assert.is((await project.udt.after(version - 1)).versions.length, 1, 'there is something new');
  let isAnswered = false;
  const polling = project.udt.after(version).finally(() => (isAnswered = true));
  await until('the refresh is on its way', () => store.waiting.length > 0);
  await someTurns();
  assert.is(isAnswered, false);
  store.isHolding = false;
  store.letGo();
  const [refreshed, ...more] = (await polling).versions;
  assert.is(refreshed?.patch[0]?.path, '/interface');
  assert.equal(more, []);
});

test.run();
inProject.run();
