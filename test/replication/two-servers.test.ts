// Two real servers that replicate: writers on all three wires on both sides, cuts, restarts, and whoever isn't let in.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { messageOf } from '../../src/errors.ts';
import type { ServerOptions } from '../../src/server.ts';
import type { ReplicationMessage } from '../../src/wire/replication/messages.ts';
import { parseFrame } from '../../src/wire/replication/parse-message.ts';
import { printFrame } from '../../src/wire/replication/print-message.ts';
import { logRecords } from '../support/log-records.ts';
import { metric } from '../support/metrics.ts';
import { startRelay } from '../support/relay.ts';
import { deleteProject, pathOf, rest } from '../support/rest-client.ts';
import { sameDocument } from '../support/same-document.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { StreamClient, newEntry, versionsOf, type NewVersion } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, plainHash } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { connectProvider, type TestProvider } from '../support/yjs-client.ts';

interface Context {
  /** Done behind the test, the last first. */
  endings: (() => unknown)[];
}

interface LogLine {
  readonly type: string;
  readonly msg: string;
}

const tests = suite<Context>('two servers');

tests.before.each((context) => {
  context.endings = [];
});
tests.after.each(async ({ endings }) => {
  for (const end of endings.reverse()) await end();
});

/** Tries again soon: these tests wait for it. */
const peerRetry = { shortestMs: 10, longestMs: 50 };

async function start({ endings }: Context, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const data = options.data ?? (await temporaryFolder());
  const server = await startServer({ peerRetry, ...options, data });
  endings.push(async () => {
    await server.stop();
    await removeFolder(data);
  });
  return server;
}

/** A log, and the messages of one type in it. */
function logOf(): { readonly log: NonNullable<ServerOptions['log']>; told: (type: string) => string[] } {
  const lines: LogLine[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line) as LogLine) });
  return { log, told: (type) => lines.filter((line) => line.type === type).map(({ msg }) => msg) };
}

async function stream({ endings }: Context, server: TestServer): Promise<StreamClient> {
  const client = await StreamClient.connect(server.socketUrl);
  endings.push(() => client.close());
  return client;
}

async function provider({ endings }: Context, server: TestServer, room: string): Promise<TestProvider> {
  const client = await connectProvider(server.socketUrl, room);
  endings.push(() => client.destroy());
  return client;
}

async function upload(client: StreamClient, object: NewVersion): Promise<string> {
  assert.is((await client.upload(object))['type'], 'uploaded');
  return object.version_uuid;
}

function linked(server: TestServer): Promise<void> {
  return until('the link is open', async () => (await metric(server.url, 'rejoin_peer_connected')) === 1);
}

async function hasVersions(server: TestServer, project: string, uuids: readonly string[]): Promise<void> {
  const client = await StreamClient.connect(server.socketUrl);
  try {
    await until(`${project} has ${uuids.length} versions`, async () => {
      const versions = versionsOf(await client.fetch(project)).map(String);
      assert.is(new Set(versions).size, versions.length, 'each is streamed once');
      return uuids.every((uuid) => versions.includes(uuid));
    });
  } finally {
    void client.close();
  }
}

tests('REP-1 REP-2 writers on all three wires on both servers: both become equal, live', async (context) => {
  const office = await start(context, { serverId: 1 });
  const set = await start(context, { serverId: 2, peers: [office.url] });
  const session = await UdtClient.create(office.url, { name: 'film', samples: [{}, {}, {}] });
  const project = session.id;
  const onSet = new UdtClient(set.url, project);
  await until('the session is on the other server', async () => (await onSet.tryGet()).status === 200);

  const [officeStream, setStream] = [await stream(context, office), await stream(context, set)];
  const [officeDoc, setDoc] = [
    await provider(context, office, project),
    await provider(context, set, project),
  ];
  const uuids: string[] = [];
  for (let round = 0; round < 5; round++) {
    await session.patch([{ op: 'add', path: '/samples/0/annotation', value: `office ${round}` }]);
    await onSet.patch([{ op: 'add', path: '/samples/1/annotation', value: `set ${round}` }]);
    uuids.push(await upload(officeStream, newEntry(project)));
    uuids.push(await upload(setStream, newEntry(project)));
    for (const { doc } of [officeDoc, setDoc])
      doc.getText('notes').insert(0, `round ${round} of ${doc.clientID}; `);
  }
  await hasVersions(office, project, uuids);
  await hasVersions(set, project, uuids);
  await until('the documents are equal', () => {
    const [a, b] = [officeDoc.doc, setDoc.doc].map((doc) => Y.snapshot(doc));
    return a !== undefined && b !== undefined && Y.equalSnapshots(a, b);
  });
  sameDocument(setDoc.doc, officeDoc.doc);
  const [left, right] = [(await session.get()).udt_json, (await onSet.get()).udt_json];
  assert.equal(left, right);
  assert.equal(left['samples'], [{ annotation: 'office 4' }, { annotation: 'set 4' }, {}]);
  assert.is((await session.diffs(0)).hashOfLatestState, plainHash(left));
  assert.is((await onSet.diffs(0)).hashOfLatestState, plainHash(left));
  assert.ok((await metric(set.url, 'rejoin_peer_changes_received_total')) > 0);
  assert.ok((await metric(set.url, 'rejoin_peer_changes_sent_total')) > 0);
  assert.is(await metric(office.url, 'rejoin_peer_links'), 1);
  await until('there is no lag', async () => (await metric(set.url, 'rejoin_peer_lag_changes')) === 0);
  await sameLogs([office, set], [project]);
});

/** Stops the servers and compares what is on disk. */
async function sameLogs(servers: readonly TestServer[], projects: readonly string[]): Promise<void> {
  for (const server of servers) await server.stop();
  for (const project of projects) {
    const [first, ...others] = await Promise.all(servers.map(({ data }) => logRecords(data, project)));
    assert.ok(first && first.length > 0);
    for (const other of others) assert.equal(other, first, project);
  }
}

tests(
  'REP-5 REP-12 a cut link comes back, and a server that was away gets what it missed',
  async (context) => {
    const [project, other] = [`film ${randomUUID()}`, `film ${randomUUID()}`];
    const data = await temporaryFolder();
    const office = await start(context, { serverId: 1, data });
    const relay = await startRelay(office.url);
    context.endings.push(() => relay.close());
    const { log, told } = logOf();
    const set = await start(context, { serverId: 2, peers: [relay.url], log });
    await linked(set);
    const setStream = await stream(context, set);
    const uuids = [await upload(setStream, newEntry(project))];
    relay.cut();
    uuids.push(await upload(setStream, newEntry(project)));
    await hasVersions(office, project, uuids);
    assert.match(told('peer-lost')[0] ?? '', /There is no link to another server: .* was cut/);

    await office.stop();
    uuids.push(await upload(setStream, newEntry(project)));
    const others = [await upload(setStream, newEntry(other))];
    await until('the set knows', async () => (await metric(set.url, 'rejoin_peer_connected')) === 0);
    const again = await start(context, { data, port: Number(new URL(office.url).port) });
    await hasVersions(again, project, uuids);
    await hasVersions(again, other, others);
    others.push(await upload(await stream(context, again), newEntry(other)));
    await hasVersions(set, other, others);
    await sameLogs([again, set], [project, other]);
  },
);

tests('REP-7 a new server gets all that another one has', async (context) => {
  const office = await start(context, { serverId: 1 });
  const client = await stream(context, office);
  const projects = Array.from({ length: 30 }, (_, index) => `film ${index}`);
  const uuids = await Promise.all(projects.map((project) => upload(client, newEntry(project))));
  const set = await start(context, { serverId: 2, peers: [office.url] });
  for (const [index, project] of projects.entries()) await hasVersions(set, project, [uuids[index] ?? '']);
  await sameLogs([office, set], projects);
});

tests(
  'only the projects that fit --peer-projects are replicated, whichever side says so',
  async (context) => {
    const office = await start(context, { serverId: 1, peerProjects: ['film-*', 'common'] });
    const set = await start(context, { serverId: 2, peers: [office.url] });
    const [officeStream, setStream] = [await stream(context, office), await stream(context, set)];
    await upload(officeStream, newEntry('private'));
    await upload(setStream, newEntry('diary'));
    const film = [
      await upload(officeStream, newEntry('film-1')),
      await upload(setStream, newEntry('film-1')),
    ];
    const common = [await upload(setStream, newEntry('common'))];
    await hasVersions(set, 'film-1', film);
    await hasVersions(office, 'film-1', film);
    await hasVersions(office, 'common', common);
    assert.equal(await setStream.fetch('private'), []);
    assert.equal(await officeStream.fetch('diary'), []);
  },
);

tests(
  'REP-11 with the same token two servers replicate; with another none does, and both say so',
  async (context) => {
    const office = await start(context, { serverId: 1, peerToken: 'right' });
    const { log, told } = logOf();
    const wrong = await start(context, { serverId: 2, peers: [office.url], peerToken: 'wrong', log });
    const right = await start(context, { serverId: 3, peers: [office.url], peerToken: 'right' });
    await linked(right);
    await until('the wrong one was told', () => told('peer-lost').length > 0);
    assert.match(
      told('peer-lost')[0] ?? '',
      /does not accept the peer token of this server \(401.*same --peer-token/,
    );
    assert.is(await metric(wrong.url, 'rejoin_peer_connected'), 0);
    assert.ok((await metric(office.url, 'rejoin_refused_total', { wire: 'http', code: 'unauthorized' })) > 0);
    const uuid = await upload(await stream(context, right), newEntry('film'));
    await hasVersions(office, 'film', [uuid]);
    assert.equal(await (await stream(context, wrong)).fetch('film'), []);
  },
);

async function refusalOf(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; challenge: string | undefined }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/replicate`, { headers });
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    import('node:http').IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const challenge = response.headers['www-authenticate'];
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), challenge };
}

tests(
  'REP-11 /replicate asks for the token, and is closed where others could reach it without one',
  async (context) => {
    const withToken = await start(context, {
      peerToken: 'right',
      publicUrl: new URL('https://office.example'),
    });
    const missing = await refusalOf(withToken.url);
    assert.equal([missing.status, missing.challenge], [401, 'Bearer']);
    assert.match(missing.text, /accepts peers with its token only/);
    assert.is((await refusalOf(withToken.url, { Authorization: 'Bearer wrong' })).status, 401);
    const letIn = new WebSocket(`${withToken.socketUrl}/replicate`, {
      headers: { Authorization: 'Bearer right' },
    });
    await once(letIn, 'open');
    letIn.terminate();

    for (const options of [
      { publicUrl: new URL('https://office.example') },
      { host: '0.0.0.0', insecure: true },
    ]) {
      const open = await start(context, options);
      const { status, text } = await refusalOf(open.url.replace('0.0.0.0', '127.0.0.1'));
      assert.is(status, 403);
      assert.match(text, /can be reached by others and has no peer token.*start it with --peer-token/);
    }
    const evil = await refusalOf(withToken.url, {
      Origin: 'https://evil.example',
      Authorization: 'Bearer right',
    });
    assert.is(evil.status, 403);
  },
);

tests('GET /replicate without an upgrade says what it is', async (context) => {
  const { url } = await start(context);
  const response = await fetch(`${url}/replicate`);
  assert.equal(
    [response.status, await response.text()],
    [426, 'This is where servers open a WebSocket to replicate'],
  );
});

tests('REP-11 wrong use is told before anything is opened', async () => {
  const cases: readonly [Partial<ServerOptions>, RegExp][] = [
    [
      { peers: ['https://office.example'] },
      /--peer https:\/\/office\.example is on another machine: .*--peer-token/,
    ],
    [{ peers: ['office'] }, /--peer office should be the address of a server/],
    [{ peerToken: 'two words' }, /--peer-token should be/],
    [{ peerProjects: [''] }, /--peer-projects/],
  ];
  const data = await temporaryFolder();
  try {
    for (const [options, sentence] of cases)
      await startServer({ ...options, data }).then(
        () => assert.unreachable('it started'),
        (error: unknown) => assert.match(messageOf(error), sentence),
      );
  } finally {
    await removeFolder(data);
  }
});

/** A peer that a test plays by hand. */
async function handPlayed(
  { endings }: Context,
  server: TestServer,
): Promise<{ socket: WebSocket; heard: ReplicationMessage[] }> {
  const socket = new WebSocket(`${server.socketUrl}/replicate`);
  const heard: ReplicationMessage[] = [];
  socket.on('message', (data: Buffer) => heard.push(parseFrame(data).message));
  await once(socket, 'open');
  endings.push(() => socket.terminate());
  return { socket, heard };
}

tests(
  'REP-13 a peer that speaks a newer protocol is refused with a sentence, and the server goes on',
  async (context) => {
    const { log, told } = logOf();
    const office = await start(context, { log });
    const { socket, heard } = await handPlayed(context, office);
    const instance = new Uint8Array(16);
    socket.send(
      printFrame({
        number: 1,
        message: { type: 'hello', protocol: 2, serverId: 5, instance, capabilities: [] },
      }),
    );
    await once(socket, 'close');
    assert.is(heard[0]?.type, 'hello');
    const refusal = heard.find((message) => message.type === 'refused');
    assert.is(refusal?.reason, 'protocol');
    assert.match(
      refusal?.message ?? '',
      /speaks version 1 .*, the other one 2: update the server that is older/,
    );
    await until('the operator was told', () => told('peer-refused').length > 0);
    assert.match(
      told('peer-refused')[0] ?? '',
      /can not replicate as they are: this server refuses the link/,
    );
    assert.is((await fetch(`${office.url}/healthz`)).status, 200);
  },
);

tests(
  'a frame that breaks the protocol ends its link only, with a sentence that names the field',
  async (context) => {
    const office = await start(context, { serverId: 1 });
    const set = await start(context, { serverId: 2, peers: [office.url] });
    await linked(set);
    const { socket, heard } = await handPlayed(context, office);
    socket.send(Uint8Array.of(1, 0, 0));
    await once(socket, 'close');
    const refusal = heard.find((message) => message.type === 'refused');
    assert.is(refusal?.reason, 'malformed');
    assert.match(refusal?.message ?? '', /hello\.protocol must be an integer/);
    assert.is(await metric(set.url, 'rejoin_peer_connected'), 1);
  },
);

tests(
  'REP-9 two servers with one server id: the one that connects takes a new one, then they replicate',
  async (context) => {
    const office = await start(context, { serverId: 7 });
    const { log, told } = logOf();
    const set = await start(context, { serverId: 7, peers: [office.url], log });
    const before = await upload(await stream(context, office), newEntry('film'));
    await linked(set);
    assert.match(told('life-renewed')[0] ?? '', /Another server has the server id 7.*not as 7\./);
    assert.equal(told('peer-refused'), [], 'nobody has to do anything');
    const after = await upload(await stream(context, set), newEntry('film'));
    await hasVersions(set, 'film', [before, after]);
    await hasVersions(office, 'film', [before, after]);
    assert.is(office.serverId, 7);
    await sameLogs([office, set], ['film']);
  },
);

tests('REP-9 of two twins that a third one knows, the later takes a new server id', async (context) => {
  const office = await start(context, { serverId: 1 });
  const first = await start(context, { serverId: 7, peers: [office.url] });
  await linked(first);
  const { log, told } = logOf();
  const second = await start(context, { serverId: 7, peers: [office.url], log });
  await linked(second);
  assert.match(told('life-renewed')[0] ?? '', /server id 7 is linked here already.*not as 7\./);
  const uuids = [
    await upload(await stream(context, first), newEntry('film')),
    await upload(await stream(context, second), newEntry('film')),
  ];
  for (const server of [office, first, second]) await hasVersions(server, 'film', uuids);
  const history = await (await stream(context, office)).fetch('film');
  assert.is(new Set(history.map(({ srv_id }) => srv_id)).size, 2, 'two servers have written');
});

tests('REP-8 who takes a new server id while nothing happens is linked under it again', async (context) => {
  const office = await start(context, { serverId: 1 });
  const set = await start(context, { serverId: 2, peers: [office.url] });
  const hasConnected = (times: number): Promise<void> =>
    until(
      `it has connected ${times} times`,
      async () => (await metric(set.url, 'rejoin_events_total', { type: 'peer-connected' })) >= times,
    );
  await hasConnected(1);
  const renew = async (server: TestServer): Promise<void> => {
    const client = await stream(context, server);
    const before = server.serverId;
    const since = [[before, 99]]; // more than it knows
    client.send({ type: 'subscribe', mux_id: 1, project_id: 'film', since, entries: '*' });
    await until('it has a new server id', () => server.serverId !== before);
  };
  await renew(office);
  await hasConnected(2);
  await renew(set);
  await hasConnected(3);
  const uuid = await upload(await stream(context, set), newEntry('other'));
  await hasVersions(office, 'other', [uuid]);
});

tests(
  'REP-14 a project that was deleted before a server knew of it is gone there on every wire',
  async (context) => {
    const office = await start(context);
    await upload(await stream(context, office), newEntry('film'));
    assert.is((await deleteProject(office.url, 'film')).status, 200);
    const set = await start(context, { peers: [office.url] });
    const session = `${set.url}/api/session/film`;
    await until('it has heard of it', async () => (await fetch(session)).status !== 404);
    for (const path of ['', '/diffs?since=0', '/download', '/sample/0'])
      assert.is((await fetch(session + path)).status, 410, path);
    const patch = { method: 'PATCH', body: '{"patch":[]}' };
    assert.is((await fetch(session, patch)).status, 410);
    for (const path of ['', '/entries', '/changes', '/document'])
      assert.is((await rest(set.url, pathOf('film', path))).status, 410, path);
    const answer = await (await stream(context, set)).upload(newEntry('film'));
    assert.equal([answer['type'], answer['code']], ['error', 'deleted']);
    const yjs = new WebSocket(`${set.socketUrl}/yjs/film`);
    assert.is(((await once(yjs, 'close')) as [number])[0], 4410);
  },
);

tests('REP-9 a server that is its own peer says so, and serves', async (context) => {
  const port = await freePort();
  const { log, told } = logOf();
  const server = await start(context, { port, peers: [`http://127.0.0.1:${port}`], log });
  await until('it was told', () => told('peer-refused').length > 0);
  assert.match(told('peer-refused')[0] ?? '', /itself/);
  const { serverId } = server;
  await upload(await stream(context, server), newEntry('film'));
  assert.is(server.serverId, serverId);
  assert.is(await metric(server.url, 'rejoin_peer_connected'), 0);
});

async function freePort(): Promise<number> {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

tests("two servers that are each other's peers keep one link and are both connected", async (context) => {
  const port = await freePort();
  const office = await start(context, { serverId: 1, peers: [`http://127.0.0.1:${port}`] });
  const set = await start(context, { serverId: 2, port, peers: [office.url] });
  await linked(office);
  await linked(set);
  const links = async (): Promise<number> =>
    (await metric(office.url, 'rejoin_peer_links')) + (await metric(set.url, 'rejoin_peer_links'));
  await until('one link is left', async () => (await links()) === 1);
  const uuids = [
    await upload(await stream(context, office), newEntry('film')),
    await upload(await stream(context, set), newEntry('film')),
  ];
  for (const server of [office, set]) await hasVersions(server, 'film', uuids);
});

tests('a server stops in order while a link is busy', async (context) => {
  const office = await start(context, { serverId: 1 });
  const set = await start(context, { serverId: 2, peers: [office.url] });
  await linked(set);
  const client = await stream(context, set);
  const uploads = Array.from({ length: 50 }, () => upload(client, newEntry('film')));
  await uploads[0];
  await office.stop();
  await Promise.all(uploads);
  await set.stop();
  const [here, there] = [await logRecords(set.data, 'film'), await logRecords(office.data, 'film')];
  assert.is(here.length, 50);
  assert.ok(
    there.every((record) => here.includes(record)),
    'what is there is a part of what is here',
  );
});

tests.run();
