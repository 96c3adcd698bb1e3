// Pages of the catalogue, also where an entry of it is damaged.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { projectKey } from '../../src/store/store-keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { openProjects } from '../support/memory-projects.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const catalogue = suite('catalogue');

catalogue('pages are as long as asked for, however many deleted projects lie between', async () => {
  const { projects } = openProjects(new MemoryStore());
  for (let i = 10; i < 40; i++) await uploadEntry(projects, `p${i}`, 'v');
  for (let i = 12; i < 38; i++) await projects.use(`p${i}`, (project) => project.delete());
  const page = async (after: string | null, limit: number, deleted = false) => {
    const { entries, next } = await projects.list({ after, limit, deleted });
    return [entries.map(({ project }) => project), next];
  };
  assert.equal(await page(null, 3), [['p10', 'p11', 'p38'], 'p38']);
  assert.equal(await page('p38', 3), [['p39'], null]);
  assert.equal(await page(null, 4), [['p10', 'p11', 'p38', 'p39'], null]);
  assert.equal(await page('p1', 1), [['p10'], 'p10'], 'after an id that there is not');
  assert.equal(await page('p13', 2, true), [['p14', 'p15'], 'p15']);
  assert.equal(await page('p39', 2), [[], null]);
  await projects.close();
});

catalogue('a damaged entry hides no other: it is listed as such', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  for (const id of ['a', 'b', 'c']) await uploadEntry(projects, id, 'v');
  await store.write([{ key: projectKey('b'), value: Buffer.from('no entry of a catalogue') }]);
  const { entries } = await projects.list({ after: null, limit: 10, deleted: false });
  assert.equal(
    entries.map(({ project, info }) => [project, info !== null]),
    [
      ['a', true],
      ['b', false],
      ['c', true],
    ],
  );
  await projects.close();
});

catalogue.run();
