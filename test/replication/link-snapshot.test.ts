// Links between servers with real projects, of which one has compacted its log (REP-7): what a link carries is what the core takes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { realEnvironment } from '../../src/model/environment.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { compact } from '../support/compacted-project.ts';
import { NetworkLink } from '../support/link-network.ts';
import {
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('links that carry snapshots');

const time = {
  nowMs: 0,
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

test('REP-7 a chain of servers becomes equal, though the first has compacted its log and links are cut', async () => {
  const [a, b, c] = [1, 2, 3].map((id) =>
    memoryServer(id, new MemoryStore(), { upkeep: { keepUpdatesMs: 0 } }),
  );
  assert.ok(a && b && c);
  for (const server of [a, b, c]) await uploadEntry(server.projects, 'p', `of ${server.replicas.serverId}`);
  await compact(a);
  const links = [linked(a, b), linked(b, c)];
  for (const link of links) link.up();
  for (let cuts = 0; cuts < 3; cuts++) {
    const before = parts(links).length;
    await until(
      'a snapshot is under way, or was taken',
      async () => parts(links).length > before || (await digestOf(a)) === (await digestOf(c)),
    );
    for (const link of links) link.cut();
  }
  await until(
    'all is there',
    async () => (await digestOf(a)) === (await digestOf(b)) && (await digestOf(b)) === (await digestOf(c)),
  );
  await uploadEntry(c.projects, 'p', 'live');
  await until(
    'it is there',
    async () => (await digestOf(a)) === (await digestOf(c)) && (await digestOf(b)) === (await digestOf(c)),
  );
  await sameProject(a, b, 'p', strippedRecordsOf);
  await sameProject(a, c, 'p', strippedRecordsOf);
  assert.equal(
    links.flatMap(({ faults }) => faults),
    [],
  );
  for (const link of links) link.down();
  const text = await a.projects.use('p', (project) =>
    project.encode((doc: Y.Doc) => doc.getText('text').length),
  );
  assert.is(text, 220);
  for (const { projects } of [a, b, c]) await projects.close();
});

function linked(connecting: MemoryServer, accepting: MemoryServer): NetworkLink {
  const [one, other] = [connecting, accepting].map(({ replicas }) => ({
    replicas,
    instance: realEnvironment.randomBytes(16),
  }));
  assert.ok(one && other);
  return new NetworkLink(one, other, { time, environment: realEnvironment, delayMs: () => 1 });
}

function parts(links: readonly NetworkLink[]): unknown[] {
  return links.flatMap(({ sent }) => sent.filter(({ message }) => message.type === 'part'));
}

async function digestOf({ replicas }: MemoryServer): Promise<string> {
  return Buffer.from((await replicas.digest('p')) ?? []).toString('hex');
}

test.run();
