// REP-8: a reader that knows more of this server's own numbers than the server does.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Projects } from '../../src/core/projects.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const claims = suite('claims of readers');

async function follow(
  projects: Projects,
  id: string,
  since: readonly (readonly [number, number])[],
): Promise<void> {
  await projects.use(id, async (project) => {
    const selection = {
      objects: [{ kind: 'entry', since: new Map(since), match: null }],
      udt: null,
    } as const;
    (await project.select(selection)).close();
  });
}

claims('REP-8 a since beyond our own head makes the server take a new life, once per project', async () => {
  const { projects, events } = openProjects(new MemoryStore(new MemoryDisk()));
  const renewed = (): number => events.filter(({ type }) => type === 'life-renewed').length;
  await uploadEntry(projects, 'p', 'a');
  await follow(projects, 'p', [[testLife.serverId, 1]]); // what there is
  await follow(projects, 'p', [[testLife.serverId + 1, 50]]); // somebody else's
  await follow(projects, 'p', []);
  assert.is(renewed(), 0);

  await follow(projects, 'p', [[testLife.serverId, 2]]);
  assert.is(renewed(), 1);
  const { serverId } = projects.context.life;
  assert.is.not(serverId, testLife.serverId);
  assert.match(
    String(events.find(({ type }) => type === 'life-renewed')?.detail),
    /a client has change 2 of "p"/,
  );
  // The number that the reader knows is not given to anything else.
  await uploadEntry(projects, 'p', 'b');
  const heads = await projects.use('p', (project) => Promise.resolve(new Map(project.durableVector)));
  assert.equal(heads, new Map([[testLife.serverId, 1], [serverId, 1]])); // prettier-ignore

  await follow(projects, 'p', [[serverId, 9]]); // it may lie: once is enough
  assert.is(renewed(), 1);
  await follow(projects, 'new here', [[serverId, 9]]); // a project that the rolled back folder never knew
  assert.is(renewed(), 2);
  await projects.close();
});

claims.run();
