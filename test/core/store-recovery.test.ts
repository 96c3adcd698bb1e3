// What projects do while the disk takes no writes, and when it does again: reads go on, writers wait a while and are then
// refused, and everything is read again before anything is numbered.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { keyedRequest } from '../../src/core/idempotency.ts';
import { Projects } from '../../src/core/projects.ts';
import type { Project } from '../../src/core/project.ts';
import { Replicas } from '../../src/core/replicas.ts';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { ProjectLog } from '../../src/store/project-log.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { seededPrng } from '../support/seed.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const life = { serverId: 9, epoch: 3 };
const udt = { protocol: 'udt', user: 'ann' } as const;
const yjs = { protocol: 'yjs', user: 'anonymous' } as const;

interface Context {
  store: FaultyStore;
  projects: Projects;
  events: string[];
}

const test = suite<Context>('store recovery');

/** Only a failure takes as long. */
const longMs = 60_000;

function open(context: Context, writersWaitMs = longMs): void {
  context.projects = new Projects({
    store: context.store,
    life,
    environment: realEnvironment,
    observer: { observe: ({ type, detail }) => context.events.push(`${type}: ${detail}`) },
    writersWaitMs,
  });
}

test.before.each((context) => {
  context.store = new FaultyStore();
  context.events = [];
  open(context);
});
test.after.each(({ projects }) => projects.close());

/** A session and its failed PATCH: from here on the store is read-only. */
async function failOn({ store, projects }: Context, outcome: 'is lost' | 'is stored'): Promise<void> {
  await projects.use('s', async (project) => {
    await project.udt.createSession({ n: 0 }, udt);
    store.failNext(outcome);
    store.isBroken = true;
    const failing = project.udt.patch([{ op: 'replace', path: '/n', value: 1 }], udt);
    assert.is(await codeOf(failing), 'outcome-unknown');
  });
}

for (const outcome of ['is lost', 'is stored'] as const) {
  test(`while the disk fails, what is durable can be read; a change that ${outcome} is not shown`, async (context) => {
    const { store, projects, events } = context;
    await uploadEntry(projects, 'p', 'a');
    await failOn(context, outcome);
    await projects.use('s', async (project) => {
      assert.equal((await project.udt.read()).view, { n: 0 });
      assert.equal((await project.udt.after(0)).versions, []);
      assert.equal(await read(project), { n: 0 });
      assert.is((await seqnosSeen(project)).length, 1);
    });
    assert.is(await projects.find('p', (project) => seqnosSeen(project!).then(({ length }) => length)), 1);
    assert.is(await projects.find('nothing', (project) => Promise.resolve(project)), undefined);
    assert.is(store.reopened, 0, 'the database stays open');
    assert.is(projects.writingProblem, 'the disk is full');
    assert.ok(
      events.some((event) => event === 'store-failed: IO error: db/000003.log: No space left on device'),
    );

    store.isBroken = false;
    await until('writing resumes', () => projects.writingProblem === null);
    assert.is(store.reopened, 1);
    const n = outcome === 'is stored' ? 1 : 0;
    await projects.use('s', async (project) => {
      assert.equal((await project.udt.read()).view, { n });
      assert.equal(await read(project), { n });
      const next = await project.udt.patch([{ op: 'replace', path: '/n', value: 2 }], udt);
      assert.is(next.version, n + 1);
    });
    assert.equal(await seqnosOf(store, 's'), outcome === 'is stored' ? [1, 2, 3] : [1, 2]);
  });
}

test('UDT-2 a session whose making failed is not shown as an empty one to who asked for it meanwhile', async (context) => {
  const { store, projects } = context;
  store.failNext('is lost');
  await projects.use('s', async (project) => {
    const making = codeOf(project.udt.createSession({ n: 0 }, udt));
    for (let turns = 0; turns < 10_000 && !project.info?.session; turns++) await new Promise(setImmediate);
    const reads = [
      project.udt.read(),
      project.udt.after(0),
      project.udt.readSummary(),
      project.udt.readSample('0'),
    ];
    assert.equal(await Promise.all(reads.map(codeOf)), ['not-found', 'not-found', 'not-found', 'not-found']);
    assert.is(await making, 'outcome-unknown');
    await project.udt.createSession({ n: 1 }, udt);
    assert.equal((await project.udt.read()).view, { n: 1 });
  });
});

test('REP-2 what a failed write has left on disk other servers are told, once the store is open again', async ({
  store,
  projects,
}) => {
  const replicas = new Replicas(projects);
  await uploadEntry(projects, 'p', 'a');
  store.failNext('is stored');
  store.isBroken = true;
  assert.is(await codeOf(uploadEntry(projects, 'p', 'b')), 'outcome-unknown');
  const before = await replicas.digest('p');
  const moved: string[] = [];
  replicas.listen((project) => moved.push(project));
  store.isBroken = false;
  await until('writing resumes', () => projects.writingProblem === null);
  assert.equal(moved, ['p']);
  assert.not.equal(await replicas.digest('p'), before);
});

test('writers wait for a store that comes back soon, and nobody is told of it', async (context) => {
  const { store, projects } = context;
  await failOn(context, 'is lost');
  const writing = Promise.all([
    uploadEntry(projects, 'p', 'a'),
    uploadEntry(projects, 's', 'b'),
    projects.use('s', (project) => project.udt.patch([{ op: 'replace', path: '/n', value: 5 }], udt)),
    projects.use('t', (project) => project.udt.createSession({ t: true }, udt)),
  ]);
  await projects.use('s', async (project) => {
    assert.equal((await project.udt.read()).view, { n: 0 }, 'a reader does not wait behind them');
    assert.equal(await read(project), { n: 0 });
  });
  store.isBroken = false;
  await writing;
  assert.equal(await seqnosOf(store, 's'), [1, 2, 3]);
});

test('UDT-5 a reader is held however often the store fails while it reads, and not when nothing has happened', async ({
  projects,
}) => {
  const { recovery } = projects.context;
  const closed = new RejoinError('unavailable', 'The store is closed');
  await projects.use('s', async (project) => {
    const state = project.udt['state'];
    let failures = 0;
    const read = async (): Promise<string> => {
      if (failures === 8) return 'it was read';
      recovery.failed(new Error(`failure ${++failures}`));
      await until('writing resumes', () => projects.writingProblem === null);
      throw closed;
    };
    assert.is(await state.rereading(read), 'it was read');
    failures = 6;
    assert.is(await projects.reading(read), 'it was read');
    assert.is(await codeOf(projects.reading(() => Promise.reject(closed))), 'unavailable');
    assert.is(await codeOf(state.rereading(() => Promise.reject(closed))), 'unavailable');
  });
});

test('writers are refused in plain words when it lasts, and at once from then on', async (context) => {
  await context.projects.close();
  open(context, 20);
  const { store, projects } = context;
  await failOn(context, 'is lost');
  const refusal = await errorOf(uploadEntry(projects, 'p', 'a'));
  assert.is(refusal?.code, 'unavailable');
  assert.match(
    refusal?.message ?? '',
    /^Nothing was written: the disk is full\. .*writing resumes by itself/,
  );
  await projects.use('s', async (project) => {
    const patch = project.udt.patch([{ op: 'replace', path: '/n', value: 1 }], udt);
    assert.is(await codeOf(patch), 'unavailable');
    assert.is(await codeOf(project.delete()), 'unavailable');
    assert.equal((await project.udt.read()).view, { n: 0 });
  });
  store.isBroken = false;
  await until('writing resumes', () => projects.writingProblem === null);
  await uploadEntry(projects, 'p', 'a');
  assert.equal(await seqnosOf(store, 'p'), [1]);
});

test('YJS-6 while the disk fails an update that adds nothing is accepted, any other one is refused', async (context) => {
  await context.projects.close();
  open(context, 20);
  const { store, projects } = context;
  const client = new Y.Doc();
  client.getMap('app').set('k', 1);
  const known = Y.encodeStateAsUpdate(client);
  const { project, release } = await projects.acquire('y');
  const first = await project.applyUpdate(known, yjs);
  await (first.type === 'accepted' ? first.durable : undefined);
  await failOn(context, 'is lost');

  const again = await project.applyUpdate(known, yjs);
  assert.ok(again.type === 'accepted' && !again.isNew);
  await again.durable;
  client.getMap('app').set('k', 2);
  const changed = Y.encodeStateAsUpdate(client);
  assert.is(await codeOf(project.applyUpdate(changed, yjs)), 'unavailable');
  client.getMap('app').set('k', 3);
  const onTop = Y.encodeStateAsUpdate(client, Y.encodeStateVectorFromUpdate(changed));
  assert.is((await project.applyUpdate(onTop, yjs)).type, 'missing');
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await project.encode((stored) => Y.encodeStateAsUpdate(stored)));
  assert.equal(doc.getMap('app').toJSON(), { k: 1 }, 'nothing of it was taken');

  store.isBroken = false;
  await until('writing resumes', () => projects.writingProblem === null);
  const taken = await project.applyUpdate(changed, yjs);
  assert.ok(taken.type === 'accepted' && taken.isNew);
  release();
});

test('a write of a client that leaves while the disk fails keeps its project: there is one writer', async (context) => {
  const { store, projects } = context;
  await failOn(context, 'is lost');
  const { project, release } = await projects.acquire('y');
  const client = new Y.Doc();
  client.getMap('app').set('k', 1);
  const outcome = project.applyUpdate(Y.encodeStateAsUpdate(client), yjs);
  release();
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  await projects.use('y', async (same) => {
    assert.is(same, project);
    store.isBroken = false;
    const taken = await outcome;
    await (taken.type === 'accepted' ? taken.durable : undefined);
  });
  await uploadEntry(projects, 'y', 'a');
  assert.equal(await seqnosOf(store, 'y'), [1, 2]);
});

test('a document that was opened while the disk failed is dropped when the store was opened again', async (context) => {
  const { store, projects } = context;
  const { project, release } = await projects.acquire('s');
  let resets = 0;
  project.listen({ reset: () => resets++ });
  await failOn(context, 'is stored');
  assert.is(resets, 1);
  assert.equal(await read(project), { n: 0 });
  store.isBroken = false;
  await until('writing resumes', () => projects.writingProblem === null);
  assert.is(resets, 2, 'whoever joined in between starts anew');
  assert.equal(await read(project), { n: 1 });
  release();
});

test('a request with a key that is asked for again before it is durable is one request', async ({
  projects,
}) => {
  await projects.use('s', async (project) => {
    await project.udt.createSession({ list: [] }, udt);
    const append = [{ op: 'add', path: '/list/-', value: 1 }] as const;
    const request = await keyedRequest('k', [Buffer.from('the body')]);
    const answers = await Promise.all([1, 2, 3].map(() => project.udt.patch(append, udt, { request })));
    assert.equal(
      answers.map(({ version }) => version),
      [1, 1, 1],
    );
    assert.equal((await project.udt.read()).view, { list: [1] });
  });
});

test('stopping while the disk fails does not wait for it: waiting writers are refused', async (context) => {
  const { projects } = context;
  await failOn(context, 'is lost');
  const refused = codeOf(uploadEntry(projects, 'p', 'a'));
  await projects.finish();
  assert.is(await refused, 'unavailable');
  await projects.use('s', async (project) => {
    assert.equal((await project.udt.read()).view, { n: 0 });
  });
  await projects.close();
  assert.is(await codeOf(projects.use('s', (project) => project.udt.read())), 'unavailable');
});

test('a store that fails again and again, at any moment: what was acknowledged is there, numbers are dense', async (context) => {
  const random = seededPrng('store recovery');
  for (let round = 0; round < 40; round++) {
    context.store = new FaultyStore();
    open(context, prng.bool(random) ? 5 : longMs);
    await runRound(context, random);
    await context.projects.close();
  }
});

/** Writers of three kinds and a reader, while the store fails a few times. */
async function runRound(context: Context, random: prng.PRNG): Promise<void> {
  const { store, projects } = context;
  const ids = ['s', 't'] as const;
  for (const id of ids) await projects.use(id, (project) => project.udt.createSession({ marks: {} }, udt));
  const acknowledged: { id: string; part: string }[] = [];
  const client = new Y.Doc();
  const pause = async (): Promise<void> => {
    for (let turns = prng.int32(random, 0, 30); turns > 0; turns--) await new Promise(setImmediate);
  };
  const attempt = async (id: string, part: string, write: () => Promise<unknown>): Promise<void> => {
    const code = await codeOf(write());
    if (code === 'none') acknowledged.push({ id, part });
    else assert.ok(['unavailable', 'outcome-unknown'].includes(code), code);
  };
  const writer = async (name: string): Promise<void> => {
    for (let i = 0; i < 12; i++) {
      await pause();
      const id = prng.oneOf(random, [...ids]);
      const part = `${name}-${i}`;
      const kind = prng.int32(random, 0, 2);
      if (kind === 0) await attempt(id, part, () => uploadEntry(projects, id, part));
      else if (kind === 1) {
        const patch = [{ op: 'add', path: `/marks/${part}`, value: 1 }] as const;
        await attempt(id, part, () => projects.use(id, (project) => project.udt.patch(patch, udt)));
      } else {
        client.getMap('notes').set(part, 1);
        const update = Y.encodeStateAsUpdate(client); // all of it: what was lost goes with it again
        await attempt(id, part, () =>
          projects.use(id, async (project) => {
            const outcome = await project.applyUpdate(update, yjs);
            assert.is(outcome.type, 'accepted');
            if (outcome.type === 'accepted') await outcome.durable;
          }),
        );
      }
    }
  };
  let isOver = false;
  const disk = async (): Promise<void> => {
    for (let failures = prng.int32(random, 1, 4); failures > 0; failures--) {
      await pause();
      store.failNext(prng.bool(random) ? 'is lost' : 'is stored');
      store.isBroken = prng.bool(random);
      if (prng.bool(random)) store.reopenFailures = 1;
      await pause();
      store.isBroken = false;
    }
  };
  const reader = async (): Promise<void> => {
    let before = 0;
    while (!isOver) {
      await pause();
      const { version } = await projects.use('s', (project) => project.udt.read());
      assert.ok(version >= before, `version ${version} was shown after ${before}`);
      before = version;
    }
  };
  const others = Promise.all([disk(), reader()]);
  await Promise.all(['a', 'b', 'c', 'd'].map(writer));
  isOver = true;
  await others;
  // A refresh of screens (UDT-8) may still write: it would meet the last failure, which is not what is looked at from here on.
  store.cancelFailure();
  await until('writing resumes', () => !store.isFailed && projects.writingProblem === null);

  for (const id of ids) {
    const seqnos = await seqnosOf(store, id);
    assert.equal(
      seqnos,
      seqnos.map((_, i) => i + 1),
    );
    await projects.use(id, async (project) => {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await project.encode((stored) => Y.encodeStateAsUpdate(stored)));
      const state = await project.udt.read();
      assert.is(state.hash, state.record?.hash ?? state.hash);
      const there = new Set([
        ...Object.keys(state.view.marks as object),
        ...doc.getMap('entries').keys(),
        ...doc.getMap('notes').keys(),
      ]);
      for (const write of acknowledged)
        if (write.id === id) assert.ok(there.has(write.part), `${write.part} of ${id} is lost`);
    });
  }
}

async function seqnosSeen(project: Project): Promise<number[]> {
  const feed = await project.follow(new Map());
  const seqnos: number[] = [];
  while (!feed.atHead) seqnos.push(...((await feed.next()) ?? []).map(({ seqno }) => seqno));
  feed.close();
  return seqnos;
}

/** What a Yjs client that joins sees of `udt`. */
async function read(project: Project): Promise<unknown> {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await project.encode((stored) => Y.encodeStateAsUpdate(stored)));
  return doc.getMap('udt').toJSON();
}

async function seqnosOf(store: FaultyStore, project: string): Promise<number[]> {
  const log = await ProjectLog.open(store, project, life.serverId);
  assert.is(log.newDamage, null);
  const seqnos: number[] = [];
  for await (const page of log.read(1, log.durablePosition)) seqnos.push(...page.map(({ seqno }) => seqno));
  return seqnos;
}

async function errorOf(promise: Promise<unknown>): Promise<RejoinError | undefined> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RejoinError) return error;
    throw error;
  }
  return undefined;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise))?.code ?? 'none';
}

for (const outcome of ['is lost', 'is stored'] as const)
  test(`REP-8 a new server id whose write fails, and ${outcome}, keeps nobody from writing when the disk is well`, async ({
    store,
    projects,
  }) => {
    await uploadEntry(projects, 'p', 'a');
    const { context } = projects;
    store.failNext(outcome);
    assert.is(await codeOf(context.renewLife('for the test', life.serverId)), 'unavailable');
    await until('the store is well', () => store.reopened > 0 && projects.writingProblem === null);
    await uploadEntry(projects, 'p', 'b');
    await context.renewLife('for the test', life.serverId);
    assert.is.not(context.life.serverId, life.serverId);
    await uploadEntry(projects, 'p', 'c');
  });

test.run();
