// Servers in memory that replicate by hand: a test decides what of one log the other is given, and when.

import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Accepted } from '../../src/core/project-replica.ts';
import type { Projects, ProjectsOptions } from '../../src/core/projects.ts';
import type { ReplicaPage } from '../../src/core/replica-reader.ts';
import { Replicas } from '../../src/core/replicas.ts';
import type { SnapshotPart } from '../../src/core/snapshot-receipt.ts';
import type { KeptSnapshot } from '../../src/model/kept-snapshot.ts';
import type { VersionVector } from '../../src/model/version-vector.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { decodeRecord, withoutUpdate } from '../../src/store/record.ts';
import type { Store } from '../../src/store/store.ts';
import { openProjects, type MemoryProjects } from './memory-projects.ts';
import { sameDocument } from './same-document.ts';

export interface MemoryServer extends MemoryProjects {
  readonly store: Store;
  readonly replicas: Replicas;
}

export interface Page extends Pick<ReplicaPage, 'records' | 'isUnfinished'> {
  readonly snapshot?: Omit<SnapshotPart, 'records'>;
}

export function memoryServer(
  serverId: number,
  store: Store = new MemoryStore(),
  options: Partial<ProjectsOptions> = {},
): MemoryServer {
  const opened = openProjects(store, { life: { serverId, epoch: serverId }, ...options });
  return { ...opened, store, replicas: new Replicas(opened.projects) };
}

/** What a server lacks that has these of a project, as it would be sent. @param kept what it has beside that. */
export async function pagesFor(
  from: MemoryServer,
  known: VersionVector,
  project = 'p',
  kept: KeptSnapshot | null = null,
): Promise<Page[]> {
  const pages: Page[] = [];
  const reader = await from.replicas.open(project, known, kept);
  let coming: Promise<ReplicaPage | null> | null = null;
  while (!reader.isAtHead) {
    coming ??= reader.next();
    // A reader that finds only what is known says nothing when it comes to the head.
    const next = await Promise.race([coming, sleep(20, 'look again' as const)]);
    if (next === 'look again') continue;
    coming = null;
    if (next) pages.push(next);
  }
  reader.close();
  const last = await coming; // null if it waits for what is to come
  return last ? [...pages, last] : pages;
}

/** Gives one server what it lacks of the other's project. @returns how many changes were new. */
export async function give(from: MemoryServer, to: MemoryServer, project = 'p'): Promise<number> {
  const meeting = await to.replicas.meet(project, await from.replicas.standing(project));
  if (!meeting.lacks) return 0;
  let changes = 0;
  const accept = await acceptor(to, project);
  for (const page of await pagesFor(from, meeting.vector, project, accept.kept)) {
    const accepted = await accept.page(page);
    assert.is(accepted.type, 'accepted', JSON.stringify(accepted));
    if (accepted.type === 'accepted') changes += accepted.changes;
  }
  accept.close();
  return changes;
}

export interface Acceptor {
  /** Of a snapshot that was cut off. */
  readonly kept: KeptSnapshot | null;
  readonly page: (page: Page) => Promise<Accepted>;
  readonly close: () => void;
}

/** Takes pages as a link does. */
export async function acceptor(
  { replicas }: Pick<MemoryServer, 'replicas'>,
  project = 'p',
): Promise<Acceptor> {
  const resumed = await replicas.resumeSnapshot(project);
  const receipt = resumed?.receipt ?? (await replicas.receiveSnapshot(project));
  return {
    kept: resumed?.kept ?? null,
    page: (page) =>
      page.snapshot
        ? receipt.add({ ...page.snapshot, records: page.records })
        : replicas.accept(project, page),
    close: () => receipt.close(),
  };
}

/** What is kept of a snapshot that was cut off. */
export async function keptOf(server: Pick<MemoryServer, 'replicas'>): Promise<KeptSnapshot | null> {
  const { kept, close } = await acceptor(server);
  close();
  return kept;
}

/** Both ways. */
export async function exchange(one: MemoryServer, other: MemoryServer, project = 'p'): Promise<void> {
  await give(one, other, project);
  await give(other, one, project);
}

/** The records of a project by number, as they are stored. */
export async function recordsOf({ store }: MemoryServer, project = 'p'): Promise<Map<string, string>> {
  const records = new Map<string, string>();
  for await (const page of store.scan(new ProjectKeys(project).allRecords()))
    for (const { value } of page) {
      const { serverId, seqno } = decodeRecord(value);
      assert.not(records.has(`${serverId} ${seqno}`), 'a number is used once');
      records.set(`${serverId} ${seqno}`, Buffer.from(value).toString('hex'));
    }
  return new Map([...records].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As `recordsOf`, without their updates: those of one server may be compacted away (REP-7). */
export async function strippedRecordsOf(server: MemoryServer, project = 'p'): Promise<Map<string, string>> {
  const records = await recordsOf(server, project);
  return new Map(
    [...records].map(([number, hex]) => {
      const bytes = Buffer.from(hex, 'hex');
      return [number, Buffer.from(withoutUpdate(bytes) ?? bytes).toString('hex')];
    }),
  );
}

export async function documentOf(projects: Projects, project = 'p'): Promise<Y.Doc> {
  const update = await projects.use(project, (opened) => opened.encode((doc) => Y.encodeStateAsUpdate(doc)));
  const doc = new Y.Doc();
  doc.getMap('udt');
  Y.applyUpdate(doc, update);
  return doc;
}

/** REP-5: the same records, document and hash. @param read which bytes of the records count. */
export async function sameProject(
  one: MemoryServer,
  other: MemoryServer,
  project = 'p',
  read = recordsOf,
): Promise<void> {
  assert.equal(await read(one, project), await read(other, project), 'records');
  sameDocument(await documentOf(one.projects, project), await documentOf(other.projects, project));
  const [left, right] = await Promise.all(
    [one, other].map(({ projects }) => projects.use(project, (opened) => opened.udt.read())),
  );
  assert.is(left?.hash, right?.hash, 'hash of udt');
  const digests = await Promise.all([one.replicas.digest(project), other.replicas.digest(project)]);
  assert.equal(digests[0], digests[1], 'digests of standings');
}
