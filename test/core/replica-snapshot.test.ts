// A server far behind one that has compacted its log is given a snapshot, the records without their updates, then the rest (REP-7):
// in the end it has what a full replay makes, wherever it is cut.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { ReplicaPage } from '../../src/core/replica-reader.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { decodeRecord } from '../../src/store/record.ts';
import {
  documentOf,
  give,
  memoryServer,
  recordsOf,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  a: MemoryServer;
  b: MemoryServer;
}

const test = suite<Context>('replica-snapshot');
const upkeep = { keepUpdatesMs: 0 };
const yjs = { protocol: 'yjs', user: 'ann' } as const;
const udt = { protocol: 'udt', user: 'ann' } as const;
const keys = new ProjectKeys('p');

test.before.each((context) => {
  context.a = memoryServer(1, new MemoryStore(), { upkeep });
  context.b = memoryServer(2, new MemoryStore(), { upkeep });
});

test.after.each(async ({ a, b }) => {
  await a.projects.close();
  await b.projects.close();
});

test('REP-7 a server that has nothing gets what was compacted with a snapshot, then the rest', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'first');
  await compact(a);
  await uploadEntry(a.projects, 'p', 'last');
  assert.ok((await strippedCount(a)) > 100);
  await give(a, b);
  await sameAfterAll(a, b);
  await uploadEntry(a.projects, 'p', 'later');
  await give(a, b);
  await sameAfterAll(a, b);
});

/** Every record, the document and the hash of `udt`; also read again from the store. */
async function sameAfterAll(one: MemoryServer, other: MemoryServer): Promise<void> {
  await sameProject(one, other, 'p', strippedRecordsOf);
  const again = memoryServer(other.replicas.serverId, other.store);
  await sameProject(one, again, 'p', strippedRecordsOf);
  assert.equal(
    again.events.filter(({ type }) => type === 'damage'),
    [],
  );
  await again.projects.close();
}

/** Writes so much that there are two snapshots, and compaction drops what both cover. */
async function compact({ projects }: MemoryServer): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await type(projects, 110);
    await projects.use('p', (project) => project.closeDocument(() => false));
  }
  await projects.upkeep.tidy('p');
}

/** So many updates of one letter each. */
async function type(projects: MemoryServer['projects'], letters: number): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((own) => Y.encodeStateAsUpdate(own)));
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => updates.push(update));
    for (let i = 0; i < letters; i++) doc.getText('text').insert(i % 7, 'x');
    for (const update of updates) assert.is((await project.applyUpdate(update, yjs)).type, 'accepted');
    await project.settled();
  });
}

async function strippedCount(server: MemoryServer): Promise<number> {
  const records = [...(await recordsOf(server)).values()].map((hex) => decodeRecord(Buffer.from(hex, 'hex')));
  return records.filter(({ groupIndex, update }) => groupIndex === 0 && !update).length;
}

test.run();
