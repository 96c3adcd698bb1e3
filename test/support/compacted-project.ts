// Projects whose log is compacted, for tests of what other servers are given of them.

import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { decodeRecord } from '../../src/store/record.ts';
import { recordsOf, type MemoryServer } from './memory-servers.ts';

const yjs = { protocol: 'yjs', user: 'ann' } as const;

/** Writes so much that there are two snapshots, and compaction drops what both cover. @param server keeps no updates. */
export async function compact(server: MemoryServer): Promise<void> {
  const { projects } = server;
  for (let round = 0; round < 2; round++) {
    await typeMuch(projects);
    await projects.use('p', (project) => project.closeDocument(() => false));
  }
  await projects.upkeep.tidy('p');
  const records = [...(await recordsOf(server)).values()].map((hex) => decodeRecord(Buffer.from(hex, 'hex')));
  const stripped = records.filter(({ groupIndex, update }) => groupIndex === 0 && !update);
  assert.ok(stripped.length > 100, 'it is compacted');
}

/** So many updates of one letter each: a hundred make a snapshot worth it. */
export async function typeMuch(projects: Projects, letters = 110): Promise<void> {
  await applyAll(projects, (doc) => {
    const text = doc.getText('text');
    for (let i = 0; i < letters; i++) text.insert(Math.min(i % 7, text.length), 'x');
  });
}

/** Applies each update that a client's changes make. */
export async function applyAll(projects: Projects, change: (doc: Y.Doc) => void): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((own) => Y.encodeStateAsUpdate(own)));
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => updates.push(update));
    change(doc);
    for (const update of updates) assert.is((await project.applyUpdate(update, yjs)).type, 'accepted');
    await project.settled();
  });
}
