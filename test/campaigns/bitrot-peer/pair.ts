// Two data folders of servers that replicate, with writers on all three wires on both, and what is in them: the servers were
// killed once, so that tables are made of their logs, and stopped when they were equal.

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject } from '../../../src/model/json.ts';
import { LevelStore } from '../../../src/store/level.ts';
import { ProjectKeys } from '../../../src/store/keys.ts';
import { readLife, type Life } from '../../../src/store/life.ts';
import { writeMarker } from '../../../src/store/marker.ts';
import { decodeRecord, withoutUpdate } from '../../../src/store/record.ts';
import { startProcess, type ServerProcess } from '../../support/server.ts';
import { newComment, newEntry, StreamClient, versionsOf } from '../../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import { UdtClient } from '../../support/udt-client.ts';
import { until } from '../../support/until.ts';
import { connectProvider } from '../../support/yjs-client.ts';
import type { Chance } from '../kill9/chance.ts';

export interface PairedFolder {
  readonly data: string;
  readonly life: Life;
}

/** What everybody sees of a project. */
export interface Shown {
  /** Of objects, sorted. */
  readonly versions: readonly string[];
  readonly text: string;
  /** Of `udt`, and its hash; null for a project without. */
  readonly udt: string | null;
}

export interface Pair {
  /** The one that is hit, and its peer. */
  readonly hit: PairedFolder;
  readonly peer: PairedFolder;
  readonly shown: ReadonlyMap<string, Shown>;
  /** Of each project the records without updates, by number. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** One bit can cost all that is known of these: they are written at once, near each other. */
const smallProjects = ['small-1', 'small-2', 'small-3'];
const smallWrites = 4;

export async function makePair(writes: number, chance: Chance): Promise<Pair> {
  const [hitData, peerData] = [await temporaryFolder(), await temporaryFolder()];
  try {
    const projects: string[] = ['plain', 'text'];
    for (const part of ['first', 'last'] as const) {
      const peer = await startProcess(peerData);
      const hit = await startProcess(hitData, { flags: ['--peer', peer.url] });
      try {
        if (part === 'first') projects.push(await newSession(hit, peer));
        for (const project of projects)
          await write(project, [hit, peer], writes / 2 / projects.length, chance);
        if (part === 'last') {
          for (const project of smallProjects) await write(project, [hit, peer], smallWrites, chance);
          projects.push(...smallProjects);
        }
        await agreed(hit, peer, projects);
      } finally {
        const signal = part === 'first' ? 'SIGKILL' : 'SIGTERM';
        await Promise.all([hit.kill(signal), peer.kill(signal)]);
      }
    }
    return await readPair(hitData, peerData, projects);
  } catch (error) {
    await Promise.all([removeFolder(hitData), removeFolder(peerData)]);
    throw error;
  }
}

/** A copy that counts as the folder itself, not as a restored one. */
export async function copyFolder({ data, life }: PairedFolder, to: string): Promise<void> {
  await cp(data, to, { recursive: true });
  await writeMarker(join(to, 'db'), life);
}

export async function readShown(server: ServerProcess, project: string): Promise<Shown> {
  const stream = await StreamClient.connect(server.socketUrl);
  const provider = await connectProvider(server.socketUrl, project);
  try {
    const versions = versionsOf(await stream.fetch(project))
      .map(String)
      .sort();
    const text = provider.doc.getText('text').toJSON();
    const session = new UdtClient(server.url, project);
    const reply = await session.tryGet();
    const udt = reply.status === 200 ? await readUdt(session) : null;
    return { versions, text, udt };
  } finally {
    provider.destroy();
    await stream.close();
  }
}

/** What a server has of a project, as text. */
export async function readVector(server: ServerProcess, project: string): Promise<string> {
  const stream = await StreamClient.connect(server.socketUrl);
  try {
    const { sync } = await stream.fetchWithSync(project);
    const { since } = sync;
    if (!Array.isArray(since)) throw new Error(`no version vector came: ${JSON.stringify(sync)}`);
    return since
      .map((pair) => JSON.stringify(pair))
      .sort()
      .join();
  } finally {
    await stream.close();
  }
}

/** The records of a project in a folder that nobody has open, without updates; the first that can't be read ends it. */
export async function readRecords(
  data: string,
  projects: Iterable<string>,
): Promise<Map<string, Map<string, string>>> {
  const store = await LevelStore.open(join(data, 'db'));
  try {
    const all = new Map<string, Map<string, string>>();
    for (const project of projects) {
      const records = new Map<string, string>();
      for await (const page of store.scan(new ProjectKeys(project).allRecords()))
        for (const { value } of page) {
          const { serverId, seqno } = decodeRecord(value);
          const number = `[${serverId}, ${seqno}]`;
          if (records.has(number)) throw new Error(`${number} of ${project} is there twice`);
          records.set(number, Buffer.from(withoutUpdate(value) ?? value).toString('base64'));
        }
      all.set(project, records);
    }
    return all;
  } finally {
    await store.close();
  }
}

async function newSession(hit: ServerProcess, peer: ServerProcess): Promise<string> {
  const { id } = await UdtClient.create(hit.url, { name: 'film', samples: [{}, {}, {}] });
  await until(
    'the session is on the peer',
    async () => (await new UdtClient(peer.url, id).tryGet()).status === 200,
  );
  return id;
}

async function write(
  project: string,
  servers: readonly ServerProcess[],
  writes: number,
  chance: Chance,
): Promise<void> {
  for (const server of servers) {
    const stream = await StreamClient.connect(server.socketUrl);
    const provider = await connectProvider(server.socketUrl, project);
    const session = new UdtClient(server.url, project);
    try {
      const isSession = !['plain', 'text', ...smallProjects].includes(project);
      for (let at = 0; at < writes / servers.length; at++) {
        const filling = chance.uuid().repeat(chance.integer(1, 40));
        if (project !== 'text')
          await stream.upload(
            at % 4 === 0 ? newComment(project) : newEntry(project, { content: { filling } }),
          );
        if (project !== 'plain') provider.doc.getText('text').insert(0, `${filling.slice(0, 100)} ${at};`);
        if (isSession)
          await session.patch([{ op: 'add', path: `/samples/${at % 3}/annotation`, value: filling }]);
      }
    } finally {
      await provider.synced();
      await sameText(server, project, provider.doc.getText('text').toJSON());
      provider.destroy();
      await stream.close();
    }
  }
}

/** What a Yjs client has written is there for others, and so durable. */
async function sameText(server: ServerProcess, project: string, text: string): Promise<void> {
  await until(`the text of ${project} is stored`, async () => {
    const reader = await connectProvider(server.socketUrl, project);
    const isThere = reader.doc.getText('text').toJSON().length >= text.length;
    reader.destroy();
    return isThere;
  });
}

async function agreed(hit: ServerProcess, peer: ServerProcess, projects: readonly string[]): Promise<void> {
  for (const project of projects)
    await until(`both show the same of ${project}`, async () => {
      const [one, other] = await Promise.all([readShown(hit, project), readShown(peer, project)]);
      return JSON.stringify(one) === JSON.stringify(other);
    });
}

async function readPair(hitData: string, peerData: string, projects: readonly string[]): Promise<Pair> {
  const [hit, peer] = [await folderOf(hitData), await folderOf(peerData)];
  const copy = await temporaryFolder();
  try {
    await copyFolder(hit, copy);
    const records = await readRecords(copy, projects);
    const server = await startProcess(copy);
    const shown = new Map<string, Shown>();
    for (const project of projects) shown.set(project, await readShown(server, project));
    await server.kill('SIGTERM');
    return { hit, peer, records, shown };
  } finally {
    await removeFolder(copy);
  }
}

/** Opening rewrites its logs: a copy is opened. */
async function folderOf(data: string): Promise<PairedFolder> {
  const copy = await temporaryFolder();
  try {
    await cp(data, copy, { recursive: true });
    const store = await LevelStore.open(join(copy, 'db'));
    const life = await readLife(store);
    await store.close();
    if (!life) throw new Error(`${data} has no server id`);
    return { data, life };
  } finally {
    await removeFolder(copy);
  }
}

async function readUdt(session: UdtClient): Promise<string> {
  const { udt_json: udt } = await session.get();
  const { hashOfLatestState } = await session.diffs(0);
  return JSON.stringify([isJsonObject(udt) ? udt : null, hashOfLatestState]);
}
