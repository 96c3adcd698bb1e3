// Makes the golden data folder of the present format: run once per format, then kept as it is.
// node --import tsx test/golden/make.ts

import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Y from 'yjs';
import { realEnvironment, type Environment } from '../../src/model/environment.ts';
import { Projects } from '../../src/core/projects.ts';
import { upload } from '../../src/core/upload.ts';
import { checkObject } from '../../src/model/objects.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { dataFormat } from '../../src/store/open-life.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { contentOf } from './content.ts';

const target = join(dirname(fileURLToPath(import.meta.url)), `format-${dataFormat}`);
const startMs = Date.parse('2026-11-22T12:00:00.000Z');

/** A clock that ticks once per look, and bytes that are the same every time. */
function goldenEnvironment(): Environment {
  let ticks = 0;
  let seed = 1;
  return {
    ...realEnvironment,
    now: () => startMs + ticks++,
    randomBytes: (count) =>
      Uint8Array.from({ length: count }, () => (seed = (seed * 75 + 74) % 65_537) & 0xff),
  };
}

const environment = goldenEnvironment();
const data = await temporaryFolder();
const folder = await openDataFolder(data, { environment, serverId: 101 });
const projects = new Projects({
  store: folder.store,
  life: folder.life,
  environment,
  observer: { observe: ({ type, detail }) => console.log(type, detail) },
});
const stream = { protocol: 'stream', user: 'anonymous' } as const;
const entry = (
  uuid: string,
  more: Record<string, string[] | string | null>,
): Parameters<typeof upload>[1][number] => ({
  kind: 'entry',
  projectId: 'film / día 1',
  fields: checkObject(
    'entry',
    {
      version_uuid: uuid,
      report_uuid: 'r1',
      entry_uuid: 'e1',
      authortime: '2026-11-22T09:00:00.5Z',
      ...more,
    },
    uuid,
  ),
});

await projects.use('golden-session', async (project) => {
  const udt = {
    interface: { type: 'text_classification', labels: ['a', 'b'] },
    samples: [{ document: 'hi' }, { document: 'yo' }],
  };
  await project.udt.createSession(udt, { protocol: 'udt', user: 'ann' });
  await project.udt.patch([{ op: 'add', path: '/samples/1/annotation', value: 'a' }], {
    protocol: 'udt',
    user: 'bob',
  });
  await project.udt.patch([{ op: 'remove', path: '/samples/0' }], { protocol: 'udt', user: 'ann' });

  const doc = new Y.Doc();
  doc.clientID = 7;
  Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
  doc.transact(() => {
    doc.getMap('udt').set('name', 'by Yjs');
    doc.getText('notes').insert(0, 'an application’s own root');
    const comment = {
      version_uuid: 'c1',
      comment_uuid: 'c',
      thread_uuid: 't',
      parent_uuid: null,
      body: 'hello',
      authortime: '2026-11-22T09:00:01.000Z',
      archivetime: null,
    };
    doc.getMap('comments').set('c1', comment);
  });
  const outcome = await project.applyUpdate(Y.encodeStateAsUpdate(doc), {
    protocol: 'yjs',
    user: 'anonymous',
  });
  if (outcome.type === 'accepted') await outcome.durable;
});
await upload(
  projects,
  [entry('v1', { clip_id: '11b', content: null, modifies: ['v0'], reason: 'typo' })],
  stream,
);
await upload(
  projects,
  [entry('v2', { clip_id: null, content: null, modifies: ['v1'], reason: 'gone' })],
  stream,
);
await projects.use('deleted', async (project) => {
  await project.udt.createSession({ samples: [] }, { protocol: 'udt', user: 'ann' });
  await project.delete();
});
for (const id of ['undeleted', 'purged'])
  await projects.use(id, async (project) => {
    await project.udt.createSession({ samples: [{ document: id }] }, { protocol: 'udt', user: 'ann' });
    await project.delete();
    await (id === 'purged' ? project.purge() : project.undelete());
  });
const content = await contentOf(projects, folder.store);
await projects.close();
await folder.close();

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await cp(join(data, 'db'), join(target, 'db'), {
  recursive: true,
  filter: (name) => !/LOCK$|LOG(\.old)?$/.test(name),
});
await writeFile(join(target, 'content.json'), JSON.stringify(content, null, 2) + '\n');
await removeFolder(data);
