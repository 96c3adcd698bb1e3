// WS-23: where patches aren't kept, the whole state comes once, at the newest change there is.

import jsonPatch from 'fast-json-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Projects } from '../../src/core/projects.ts';
import type { Selected } from '../../src/core/selected-feed.ts';
import type { Json } from '../../src/model/json.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { openProjects } from '../support/memory-projects.ts';
import {
  nothingKnown,
  objectsOf,
  positionsIn,
  readSelected,
  uploadAll,
  uuidsIn,
} from '../support/selected.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const hourMs = 60 * 60 * 1000;
const all = { objects: [objectsOf('entry')], udt: nothingKnown };
const whole = (value: Json) => [{ op: 'replace', path: '', value }];
const one = (value: Json) => [{ op: 'replace', path: '/n', value }];
const test = suite('WS-23');

test('WS-23 a small session comes from its beginning, change by change', async () => {
  const { projects } = await session();
  for (const n of [1, 2]) await patch(projects, n);
  await patch(projects, 2); // changes nothing: no change of the log
  assert.equal(patchesIn(await readSelected(projects, 's', all)), [whole({ n: 0 }), one(1), one(2)]);
  await projects.close();
});

test('WS-23 a session that was made in slices appears at its last one, whole', async () => {
  const { projects } = openProjects(new MemoryStore());
  const view = { samples: Array.from({ length: 10_000 }, (_, i) => ({ document: `text ${i}` })) };
  await projects.use('s', (project) => project.udt.createSession(view, udt));
  const found = await readSelected(projects, 's', all);
  const { length, position } = await projects.use('s', (project) =>
    Promise.resolve({ length: found.length, position: project.durablePosition }),
  );
  assert.ok(position > 1, 'it has slices');
  assert.is(length, 1);
  assert.equal(positionsIn(found), [position]);
  assert.equal(patchesIn(found), [whole(view)]);
  await projects.close();
});

test('WS-23 UDT-13 versions that were removed: nothing before the newest change, there all, then patches', async () => {
  const { projects, clock } = await session();
  await patch(projects, 1);
  await uploadAll(projects, 's', [{ kind: 'entry', uuid: 'a' }]);
  clock.nowMs += 2 * hourMs;
  await patch(projects, 2);
  await uploadAll(projects, 's', [{ kind: 'entry', uuid: 'b' }]);
  await patch(projects, 3);
  await projects.upkeep.sweep();
  const found = await readSelected(projects, 's', all);
  assert.equal(uuidsIn(found), ['a', 'b', 'patch']);
  assert.equal(patchesIn(found), [whole({ n: 3 })]);
  await patch(projects, 4);
  assert.equal(patchesIn(await readSelected(projects, 's', after(found.at(-1)))), [one(4)]);
  // It was cut off behind an object, when it hadn't been given anything of udt.
  assert.equal(patchesIn(await readSelected(projects, 's', after(found[0]))), [whole({ n: 4 })]);
  await projects.close();
});

test('WS-23 a version that is damaged is told, and the whole is sent in its place', async () => {
  const store = new MemoryStore();
  const { projects, events } = await session(store);
  for (const n of [1, 2, 3]) await patch(projects, n);
  await store.write([{ key: new ProjectKeys('s').version(2), value: Buffer.from('not what was written') }]);
  await projects.use('s', (project) => project.closeDocument(() => false));
  const found = patchesIn(await readSelected(projects, 's', all));
  assert.equal(found, [whole({ n: 0 }), one(1), whole({ n: 3 })]);
  assert.ok(events.length > 0 && events.every(({ type }) => type === 'damage'));
  await projects.close();
});

test('WS-23 a patch that is too long, and changes that go on while the whole is being read', async () => {
  const { projects } = await session();
  const long = 'x'.repeat(1_100_000);
  await projects.use('s', async (project) => {
    await project.udt.patch([{ op: 'add', path: '/long', value: long }], udt);
    await project.udt.patch([{ op: 'remove', path: '/long' }], udt);
    const feed = await project.select(all);
    const written = (async () => {
      for (let n = 1; n <= 50; n++) await project.udt.patch([{ op: 'replace', path: '/n', value: n }], udt);
    })();
    let json: Json = {};
    let wholes = 0;
    while (JSON.stringify(json) !== '{"n":50}')
      for (const message of (await feed.next()) ?? []) {
        assert.is(message.type, 'patch');
        if (message.type !== 'patch') continue;
        if (message.patch[0]?.path === '') wholes++;
        const operations = structuredClone(message.patch) as jsonPatch.Operation[];
        json = jsonPatch.applyPatch<unknown>(json, operations, true).newDocument as Json;
      }
    assert.is(wholes, 2, 'the beginning, and one in place of what was too long');
    await written;
    feed.close();
  });
  await projects.close();
});

async function session(store = new MemoryStore()) {
  const opened = openProjects(store, { upkeep: { udtHistoryMs: hourMs } });
  await opened.projects.use('s', (project) => project.udt.createSession({ n: 0 }, udt));
  return opened;
}

async function patch(projects: Projects, value: number): Promise<void> {
  await projects.use('s', (project) => project.udt.patch([{ op: 'replace', path: '/n', value }], udt));
}

function patchesIn(selected: readonly Selected[]): unknown[] {
  return selected.flatMap((message) => (message.type === 'patch' ? [message.patch] : []));
}

/** What a reader asks for that has seen all up to this message. */
function after(message: Selected | undefined) {
  const since = new Map([[message?.serverId ?? 0, message?.seqno ?? 0]]);
  return { objects: [objectsOf('entry', null, since)], udt: since };
}

test.run();
