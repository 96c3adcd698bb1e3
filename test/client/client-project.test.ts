import { ClientProject } from '../../src/client/client-project.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Client } from '../../src/client/client.ts';
import { MemoryStorage } from '../../src/client/memory-storage.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Row } from '../../src/model/entry-versions.ts';
import { ClientSockets } from '../support/client-sockets.ts';
import { FakeEnvironment } from '../support/fake-environment.ts';
import { until } from '../support/until.ts';
import { quickEnvironment, withClients } from '../support/with-clients.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('client project');
const under = withServer(test);
const newClient = withClients(under);
const row = { clip_id: 'A001', content: { camera: 'A', take: '1' } };

interface Person {
  readonly client: Client;
  readonly project: ClientProject;
  readonly sockets: ClientSockets;
  goOffline(): void;
  comeBack(): Promise<void>;
}

/** Someone who works on a project, with a clock of their own. */
async function person(id: string, nowMs = (): number => Date.now(), author?: string): Promise<Person> {
  const sockets = new ClientSockets();
  const environment = { ...quickEnvironment, now: nowMs };
  const client = newClient({ WebSocket: sockets.WebSocket, environment, author });
  const project = client.project(id);
  await project.synced();
  return {
    client,
    project,
    sockets,
    goOffline: () => sockets.goOffline(),
    comeBack: async () => {
      sockets.isOffline = false;
      await until('is back', () => client.status.caughtUp && client.status.pending === 0);
    },
  };
}

/** Until all show the same, and nothing waits. @returns what they show. */
async function agreed(report: string, ...people: readonly Person[]): Promise<Row[]> {
  const shown = ({ project }: Person): string => JSON.stringify(project.rows(report, { deleted: true }));
  await until('all agree', () => {
    const [first, ...others] = people.map(shown);
    return (
      others.every((other) => other === first) && people.every(({ client }) => client.status.pending === 0)
    );
  });
  return people[0]!.project.rows(report);
}

test('an edit changes what it names, deletes a field by null, and says why', async () => {
  const { project } = await person(under.newProject());
  const { entry } = await project.add('r', row);
  await project.edit('r', entry, { content: { camera: null, lens: '35' } }, 'wrong camera');
  await project.edit('r', entry, { clip_id: 'A002' }, 'wrong clip');
  const shown = project.row('r', entry);
  assert.is(shown?.clip_id, 'A002');
  assert.equal(shown?.content, { take: '1', lens: '35' });
  assert.is(shown?.reason, 'wrong clip');
  assert.equal(shown?.conflicts, []);
  assert.equal(project.rows('r').length, 1);
});

test('a deleted row is shown only when it is asked for, and an edit of others brings it back in conflict', async () => {
  const id = under.newProject();
  const [one, other] = [await person(id), await person(id)];
  const { entry } = await one.project.add('r', row);
  await until('it came', () => other.project.rows('r').length === 1);
  other.goOffline();
  await other.project.edit('r', entry, { clip_id: 'A002' }, 'mine');
  await one.project.delete('r', entry, 'a mistake');
  assert.equal(one.project.rows('r'), []);
  assert.is(one.project.rows('r', { deleted: true })[0]?.deleted, true);
  assert.is(one.project.row('r', entry)?.reason, 'a mistake');
  await other.comeBack();
  const [shown] = await agreed('r', one, other);
  assert.is(shown?.conflicts.length, 1);
});

test('two who fix the same row offline: everyone sees the same, the conflict with who, when and why, and one call resolves it', async () => {
  const id = under.newProject();
  const people = [
    await person(id, Date.now, 'Anna'),
    await person(id, Date.now, 'Ben'),
    await person(id),
  ] as const;
  const [anna, ben, third] = people;
  const { entry } = await anna.project.add('r', row);
  await until('all have it', () => people.every(({ project }) => project.rows('r').length === 1));
  anna.goOffline();
  ben.goOffline();
  await anna.project.edit('r', entry, { content: { camera: 'B' } }, 'anna saw B');
  await new Promise((resolve) => setTimeout(resolve, 5));
  await ben.project.edit('r', entry, { content: { camera: 'C', note: 'soft' } }, 'ben saw C');
  await ben.comeBack();
  await anna.comeBack();
  const [shown] = await agreed('r', ...people);
  assert.is(shown?.reason, 'ben saw C', 'the latest counts');
  assert.equal(shown?.content, { camera: 'C', take: '1', note: 'soft' });
  const [conflict] = shown?.conflicts ?? [];
  assert.is(conflict?.reason, 'anna saw B');
  assert.equal([shown?.author, conflict?.author, conflict?.user_id], ['Ben', 'Anna', 'anonymous']);
  assert.match(conflict?.authortime ?? '', /^\d{4}-.*Z$/);
  assert.equal(conflict?.content, { camera: 'B', take: '1' });

  await third.project.resolve('r', entry, { content: { camera: 'B' } }, 'asked the DoP');
  const [resolved] = await agreed('r', ...people);
  assert.equal(resolved?.conflicts, []);
  assert.equal(resolved?.content, { camera: 'B', take: '1', note: 'soft' });
  assert.is(resolved?.reason, 'asked the DoP');
});

test('a delete ends the conflicts that are known', async () => {
  const id = under.newProject();
  const [one, other] = [await person(id), await person(id)];
  const { entry } = await one.project.add('r', row);
  await until('it came', () => other.project.rows('r').length === 1);
  other.goOffline();
  await other.project.edit('r', entry, { clip_id: 'A002' }, 'mine');
  await one.project.edit('r', entry, { clip_id: 'A003' }, 'mine too');
  await other.comeBack();
  await agreed('r', one, other);
  assert.is(one.project.row('r', entry)?.conflicts.length, 1);
  await one.project.delete('r', entry, 'neither');
  assert.equal(await agreed('r', one, other), []);
  assert.equal(one.project.row('r', entry)?.conflicts, []);
});

test('threads and comments: the latest counts, whatever the clocks of the authors say', async () => {
  const id = under.newProject();
  const ahead = await person(id, () => Date.now() + 3_600_000);
  const behind = await person(id, () => Date.now() - 3_600_000);
  const { thread } = await ahead.project.addThread({ name: 'Sound', links: [['report', 'r']] });
  const { comment } = await ahead.project.comment(thread, 'hiss');
  const { comment: answer } = await ahead.project.comment(thread, 'where?', { parent: comment });
  await until('they came', () => behind.project.comments(thread).length === 2);
  await behind.project.editThread(thread, { name: 'Sound, day 2' });
  await behind.project.editComment(thread, comment, 'hiss on A');
  await behind.project.editComment(thread, comment, 'hiss on B');
  await behind.project.deleteComment(thread, answer);
  await behind.client.flushed();
  const names = (): unknown => ahead.project.threads().map(({ name, links }) => [name, links]);
  await until('they came', () => ahead.project.comments(thread).length === 1);
  await until('the name came', () => JSON.stringify(names()).includes('day 2'));
  assert.equal(names(), [['Sound, day 2', [['report', 'r']]]]);
  assert.equal(
    ahead.project.comments(thread).map(({ body }) => body),
    ['hiss on B'],
  );
  const [, deleted] = ahead.project.comments(thread, { deleted: true });
  assert.equal([deleted?.body, deleted?.deleted, deleted?.parent_uuid], [null, true, comment]);
  assert.is(ahead.project.threads()[0]?.pending, false);
});

test('change events name each thing that changed, once', async () => {
  const { project } = await person(under.newProject());
  const changes: unknown[] = [];
  const off = project.on('change', (change) => changes.push(change));
  const added = project.add('r', row);
  const entry = project.rows('r')[0]?.entry_uuid;
  assert.equal(changes, [{ entries: [{ report: 'r', entry }], threads: [], comments: [] }]);
  await added;
  const thread = (await project.addThread({ name: 'T' })).thread;
  const { comment } = await project.comment(thread, 'c');
  const texts = changes.map((each) => JSON.stringify(each));
  assert.ok(texts.includes(JSON.stringify({ entries: [], threads: [thread], comments: [] })));
  assert.ok(texts.includes(JSON.stringify({ entries: [], threads: [], comments: [{ thread, comment }] })));
  off();
  const before = changes.length;
  await project.add('r', row);
  assert.is(changes.length, before);
});

test('the view as of an archivetime is the project as it was, without what waits', async () => {
  const { client, project } = await person(under.newProject());
  const { entry } = await project.add('r', row);
  const { thread } = await project.addThread({ name: 'T' });
  const { comment } = await project.comment(thread, 'first');
  await client.flushed();
  await until('all was streamed back', () => project.vector[0]?.[1] === 3);
  const past = project.vector;
  const then = {
    rows: project.rows('r'),
    threads: project.threads(),
    comments: project.comments(thread),
    reports: project.reports(),
  };
  await project.edit('r', entry, { clip_id: 'A002' }, 'later');
  await project.add('r2', row);
  await project.deleteComment(thread, comment);
  const now = (): unknown => ({
    rows: project.rows('r', { at: past }),
    threads: project.threads({ at: past }),
    comments: project.comments(thread, { at: past }),
    reports: project.reports({ at: past }),
  });
  assert.equal(now(), then);
  await client.flushed();
  await until('all was streamed back', () => project.vector[0]?.[1] === 6);
  assert.equal(now(), then);
  assert.equal(project.at(past).rows('r')[0]?.clip_id, 'A001');
  assert.equal(project.at([]).reports(), []);
  assert.is(project.row('r', entry, { at: past })?.clip_id, 'A001');
  assert.is(project.row('r', entry)?.clip_id, 'A002');
  assert.equal(project.rows('r2', { at: project.vector }).length, 1);
});

test('a version that is kept at two places is covered by either', async () => {
  const storage = new MemoryStorage();
  const value = {
    report_uuid: 'r',
    entry_uuid: 'e',
    version_uuid: 'v',
    authortime: '2024-01-01T00:00:00.000Z',
  };
  await storage.apply({
    project: 'p',
    received: [
      {
        kind: 'entry',
        versionUuid: 'v',
        value,
        places: [
          [1, 4],
          [2, 9],
        ],
      },
    ],
  });
  const project = newClient({ storage, WebSocket: offline() }).project('p');
  await project.ready;
  const covers = (at: [number, number][]): boolean => project.at(at).rows('r').length === 1;
  assert.equal(
    [
      covers([[1, 3]]),
      covers([[1, 4]]),
      covers([[2, 8]]),
      covers([
        [1, 1],
        [2, 9],
      ]),
    ],
    [false, true, false, true],
  );
});

test('a write has the uuid of the environment, its time, and the vector that its author saw', async () => {
  const id = under.newProject();
  const environment = new FakeEnvironment();
  const storage = new MemoryStorage();
  await storage.apply({
    project: id,
    vector: [
      [9, 4],
      [3, 1],
    ],
  });
  const client = newClient({ environment, storage, WebSocket: offline() });
  const { entry, version } = await client.project(id).add('r', row);
  assert.equal([entry, version], ['uuid-1', 'uuid-2']);
  const [{ value } = { value: {} }] = (await storage.load(id)).queue;
  assert.equal(value, {
    report_uuid: 'r',
    entry_uuid: 'uuid-1',
    version_uuid: 'uuid-2',
    clip_id: 'A001',
    content: row.content,
    modifies: null,
    reason: null,
    archivetime: [
      [3, 1],
      [9, 4],
    ],
    authortime: '2024-05-17T09:30:00.000Z',
  });
  client.close().catch(() => undefined);
  await environment.advance(10_000);
});

test('what is written before the storage is loaded builds on what was stored', async () => {
  const id = under.newProject();
  const storage = new MemoryStorage();
  const sockets = offline();
  const first = newClient({ storage, WebSocket: sockets });
  const { entry } = await first.project(id).add('r', row);
  await first.close();
  const project = newClient({ storage, WebSocket: sockets }).project(id);
  await project.edit('r', entry, { clip_id: 'A002' }, 'at once');
  assert.equal(
    project.rows('r').map(({ clip_id, conflicts }) => [clip_id, conflicts.length]),
    [['A002', 0]],
  );
});

test('later changes of what was handed in change nothing that was written', async () => {
  const { project } = await person(under.newProject());
  const content = { camera: 'A' };
  const added = project.add('r', { clip_id: 'A001', content });
  content.camera = 'Z';
  const { entry } = await added;
  assert.equal(project.row('r', entry)?.content, { camera: 'A' });
});

test('bad input is an error of the call that names the field, and nothing is queued', async () => {
  const { client, project } = await person(under.newProject());
  const { entry } = await project.add('r', row);
  const { thread } = await project.addThread({ name: 'T' });
  const { comment } = await project.comment(thread, 'c');
  await client.flushed();
  const bad = (value: unknown): never => value as never;
  const calls: [string, () => Promise<unknown>][] = [
    ['entry.clip_id must be a string', () => project.add('r', bad({ content: {} }))],
    ['entry.content must be an object', () => project.add('r', bad({ clip_id: 'A' }))],
    [
      'entry.content.take must be a string',
      () => project.add('r', { clip_id: 'A', content: bad({ take: 1 }) }),
    ],
    ['entry.report_uuid must be a uuid', () => project.add('', row)],
    ['lone surrogate', () => project.add('r', { clip_id: '\ud800', content: {} })],
    ['which is not JSON', () => project.add('r', { clip_id: 'A', content: bad({ when: new Date() }) })],
    ['__proto__', () => project.add('r', { clip_id: 'A', content: bad(JSON.parse('{"__proto__":"x"}')) })],
    ['entry.reason must be a string', () => project.edit('r', entry, { clip_id: 'A' }, bad(undefined))],
    ['must change clip_id or content', () => project.edit('r', entry, {}, 'because')],
    ['There is no row "nobody"', () => project.edit('r', 'nobody', { clip_id: 'A' }, 'because')],
    ['There is no row "nobody"', () => project.delete('r', 'nobody', 'because')],
    ['There is no row "nobody"', () => project.resolve('r', 'nobody', {}, 'because')],
    ['thread.links must be a list', () => project.addThread({ name: 'T', links: bad('r') })],
    ['There is no thread "nobody"', () => project.editThread('nobody', { name: 'T' })],
    ['comment.body must be a string', () => project.comment(thread, bad(null))],
    ['comment.body must be a string', () => project.editComment(thread, comment, bad(undefined))],
    ['There is no comment', () => project.editComment('other', comment, 'c')],
    ['There is no comment', () => project.deleteComment(thread, 'nobody')],
    ['at most', () => project.add('r', { clip_id: 'é'.repeat(8_000_000), content: {} })],
  ];
  for (const [message, call] of calls) {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      assert.ok(error.message.includes(message), `${error.message}\nshould say\n${message}`);
      continue;
    }
    assert.unreachable(`${message} was not thrown`);
  }
  assert.is(client.status.pending, 0);
  assert.throws(() => project.at(bad('x')), /archivetime must be a list of pairs/);
});

/** Sockets that never connect. */
function offline(): ClientSockets['WebSocket'] {
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  return sockets.WebSocket;
}

test.run();
