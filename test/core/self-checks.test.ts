// Damage is checked in the background without an operator, also where the store fails meanwhile: what is lost is noted once it is well.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { ManualTimers } from '../support/manual-timers.ts';
import { memoryServer, type MemoryServer } from '../support/memory-servers.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  store: FaultyStore;
  timers: ManualTimers;
  server: MemoryServer;
}

const test = suite<Context>('self-checks');

/** Something of a project is lost, and nobody has noted it. */
test.before.each(async (context) => {
  const store = (context.store = new FaultyStore());
  const before = memoryServer(1, store);
  for (const uuid of ['a', 'b', 'c']) await uploadEntry(before.projects, 'p', uuid);
  await before.projects.close();
  await store.reopen();
  await store.write([{ key: new ProjectKeys('p').record(2), value: null }]);
  const timers = (context.timers = new ManualTimers());
  const environment = { ...realEnvironment, after: timers.after.bind(timers) };
  context.server = memoryServer(1, store, { environment });
});

test.after.each(({ server }) => server.projects.close());

async function isInterrupted({ events, projects }: MemoryServer): Promise<void> {
  await until('it was interrupted', () => events.some(({ type }) => type === 'upkeep-failed'));
  assert.not(projects.wanted.has('p'));
}

async function isMadeAgain({ projects }: MemoryServer, timers: ManualTimers): Promise<void> {
  await until('it is noted', () => {
    timers.run();
    return projects.wanted.has('p');
  });
  assert.is(projects.writingProblem, null);
}

test('a check that a failing disk has interrupted is made again when the disk is well', async (context) => {
  const { store, timers, server } = context;
  store.isBroken = true;
  await uploadEntry(server.projects, 'q', 'd').then(
    () => assert.unreachable(),
    () => undefined,
  );
  server.projects.checks.suspect('p');
  await isInterrupted(server);
  timers.run(); // the disk is still full
  assert.ok(server.projects.checks.isPending('p'));
  store.isBroken = false;
  await isMadeAgain(server, timers);
});

test('projects that could not be listed after a start on a damaged database are checked when they can', async (context) => {
  const { store, timers, server } = context;
  const scan = store.scan.bind(store);
  store.scan = () => {
    store.scan = scan;
    throw new RejoinError('unavailable', 'The store is closed');
  };
  server.projects.checks.suspectAll();
  await isInterrupted(server);
  await isMadeAgain(server, timers);
});

test.run();
