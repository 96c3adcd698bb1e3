// Sessions that are created in slices, over a store that fails in between.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultyStore } from '../support/faulty-store.ts';
import { openProjects } from '../support/memory-projects.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const test = suite('create-session-failing');

for (const outcome of ['is lost', 'is stored'] as const)
  for (const failing of [1, 3, 9])
    test(`UDT-19 a session is created after all when slice ${failing} failed and ${outcome}`, async () => {
      const store = new FaultyStore();
      const { projects, events } = openProjects(store);
      const samples = Array.from({ length: 20_000 }, (_, index) => ({ document: `d${index}` }));
      let slices = 0;
      const created = await projects.use('s', (project) =>
        project.udt.createSession({ samples }, udt, () => {
          if (++slices === failing) store.failNext(outcome);
        }),
      );
      assert.ok(slices > failing);
      assert.is(created.version, 0);
      const { view } = await projects.use('s', (project) => project.udt.read());
      assert.equal(view, { samples });
      assert.not(events.some(({ type }) => type === 'damage'));
      await projects.close();
    });

test.run();
