// `rejoin tail` as users meet it: the built program beside a server, which is also killed under it.
// It takes long.

import { randomUUID } from 'node:crypto';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { rejoinEntry, runDone, runRejoin } from '../support/run-rejoin.ts';
import { RunningTail } from '../support/running-tail.ts';
import { startProcess } from '../support/server.ts';
import { StreamClient } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { testUnless } from '../support/test-unless.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('rejoin tail');
const { server, connect, newProject, atEnd } = withServer(test);

function entryOf(project: string, clip: string, more: JsonObject = {}): JsonObject & { version: string } {
  const names = { type: 'newentry', project, report: 'day3', entry: `e ${clip}`, version: randomUUID() };
  const said = { clip_id: clip, content: { scene: '12' }, modifies: null, reason: null };
  return { ...names, ...said, archivetime: null, authortime: '2026-11-22T10:00:00Z', ...more };
}

async function upload(client: StreamClient, ...objects: readonly JsonObject[]): Promise<void> {
  const mux_id = client.newMuxId();
  client.send({ type: 'upload', mux_id, objects });
  const answer = await client.waitFor((message) => message['mux_id'] === mux_id);
  assert.is(answer['type'], 'uploaded', JSON.stringify(answer));
}

function clipsOf(changes: readonly JsonObject[]): Json[] {
  return changes.map(({ clip_id }) => clip_id ?? null);
}

function tail(...args: readonly string[]): RunningTail {
  const running = new RunningTail(args);
  atEnd(async () => {
    await running.end('SIGKILL');
  });
  return running;
}

test('a line per change, history and live; an interrupt ends it well and says how to go on', async () => {
  const project = newProject();
  const client = await connect();
  const first = entryOf(project, '11b');
  await upload(client, first);
  const running = tail(server().url, project);
  await running.shows('the history', () => running.lines.length === 1);
  const edit = { clip_id: null, content: { scene: '13' }, modifies: [first.version], reason: 'typo' };
  await upload(client, entryOf(project, '11b', edit));
  const thread = {
    type: 'newthread',
    project,
    thread: 't',
    version: randomUUID(),
    name: 'Colours',
    links: [],
  };
  await upload(client, { ...thread, archivetime: null, authortime: '2026-11-22T10:00:00Z' });
  await running.shows('what follows', () => running.lines.length === 3);
  const seen = running.lines.map((line) => line.replace(/^.*? {2}(?=anonymous)/, ''));
  assert.equal(seen, [
    'anonymous  day3  11b  added scene "12"',
    'anonymous  day3  11b  changed scene "13" (typo)',
    'anonymous  thread  Colours',
  ]);
  assert.is(await running.end('SIGINT'), 0);
  const vector = `[[${server().serverId},3]]`;
  assert.is(running.stderr, `rejoin: to go on from here: --since '${vector}'\n`);
  assert.is(await runDone(['tail', server().url, project, '--since', vector, '--no-follow'], '/'), '');
});

test('--no-follow ends where the history does; --since, --report and --kinds choose; --json is the stream', async () => {
  const project = newProject();
  const client = await connect();
  const thread = {
    type: 'newthread',
    project,
    thread: 't',
    version: randomUUID(),
    name: 'Colours',
    links: [],
  };
  await upload(client, entryOf(project, '1'), entryOf(project, '2', { report: 'day4' }));
  await upload(
    client,
    { ...thread, archivetime: null, authortime: '2026-11-22T10:00:00Z' },
    entryOf(project, '3'),
  );
  const run = async (...args: string[]): Promise<JsonObject[]> => {
    const said = await runDone(['tail', server().url, project, '--no-follow', '--json', ...args], '/');
    return said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
  };
  const all = await run();
  const { serverId } = server();
  assert.equal(
    all.map(({ type, srv_id, seqno }) => [type, srv_id ?? null, seqno ?? null]),
    [
      ...['entry', 'entry', 'thread', 'entry'].map((type, i) => [type, serverId, i + 1]),
      ['sync', null, null],
    ],
  );
  assert.equal(all.at(-1)?.['since'], [[serverId, 4]]);
  const muxId = await client.subscribe(project);
  const streamed = await client.waitForObjects(muxId, 4);
  assert.equal(
    all.slice(0, -1),
    streamed.map((message) =>
      Object.fromEntries(Object.entries(message).filter(([name]) => name !== 'mux_id')),
    ),
  );
  assert.equal(clipsOf((await run('--report', 'day3')).slice(0, -1)), ['1', '3']);
  assert.equal(clipsOf((await run('--since', `[[${serverId},2]]`, '--kinds', 'entries')).slice(0, -1)), [
    '3',
  ]);
  assert.equal(
    (await run('--kinds', 'threads,comments')).map(({ type }) => type),
    ['thread', 'sync'],
  );
  assert.equal((await runDone(['tail', server().url, project, '--no-follow'], '/')).split('\n').length, 5);
});

test('after a cut it goes on without a gap or a repeat, and says so on standard error', async () => {
  const data = await temporaryFolder();
  let killed = await startProcess(data);
  const port = Number(new URL(killed.url).port);
  const running = tail(killed.url, 'p', '--json');
  try {
    const sent: string[] = [];
    for (let round = 0; round < 3; round++) {
      const client = await StreamClient.connect(killed.socketUrl);
      for (let i = 0; i < 20; i++) {
        sent.push(`${round}.${i}`);
        await upload(client, entryOf('p', `${round}.${i}`));
      }
      // Everything was shown before some of the kills, and not before others.
      if (round !== 1)
        await running.shows(`all of round ${round}`, () => running.changes.length === sent.length);
      await client.close();
      await killed.kill('SIGKILL');
      if (round !== 1)
        await running.shows('the cut is told', () => running.stderr.split('no connection').length > 1);
      killed = await startProcess(data, { port });
    }
    await running.shows('everything', () => running.changes.length >= sent.length);
    const last = await StreamClient.connect(killed.socketUrl);
    await upload(last, entryOf('p', 'last'));
    await last.close();
    await running.shows('the last', () => clipsOf(running.changes).includes('last'));
    assert.equal(clipsOf(running.changes), [...sent, 'last']);
    assert.match(
      running.stderr,
      /^rejoin: no connection to http:\S+ \(.+\): trying again\nrejoin: connected to http:\S+ again: going on\n/,
    );
    assert.is(await running.end('SIGTERM'), 0);
  } finally {
    await running.end('SIGKILL');
    await killed.kill('SIGKILL');
    await removeFolder(data);
  }
});

test('a server that comes later is waited for; a reader that leaves ends it', async () => {
  const data = await temporaryFolder();
  const first = await startProcess(data);
  await first.kill('SIGKILL');
  const running = tail(first.url, 'p');
  await running.shows('it waits', () => running.stderr.includes('trying again'));
  const second = await startProcess(data, { port: Number(new URL(first.url).port) });
  try {
    const client = await StreamClient.connect(second.socketUrl);
    for (let i = 0; i < 200; i++) await upload(client, entryOf('p', `${i}`));
    await client.close();
    await running.shows('what was written', () => running.lines.length === 200);
    const line = `'${process.execPath}' '${rejoinEntry}' tail ${second.url} p | head -n 1`;
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line], { timeout: 60_000 });
    assert.equal([stdout.split('\n').length, stderr], [2, '']);
  } finally {
    await second.kill('SIGKILL');
    await removeFolder(data);
  }
});

test('help, and one sentence for wrong use', async () => {
  const help = await runDone(['tail', '--help'], '/');
  for (const flag of ['json', 'since', 'report', 'kinds', 'no-follow']) assert.match(help, `--${flag}`);
  assert.match(await runDone(['--help'], '/'), /tail \[options\] <url> <project> /);
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /missing required argument 'url'/],
    [['localhost:6003', 'p'], /'localhost:6003'.*should be a URL such as/],
    [['http://localhost:1'], /missing required argument 'project'/],
    [['http://localhost:1', 'p', '--since', '[[1'], /--since.*It must be JSON, such as \[\[1,5\]\]/],
    [['http://localhost:1', 'p', '--since', '[[1,-5]]'], /--since.*It\[0\] must be a pair/],
    [
      ['http://localhost:1', 'p', '--kinds', 'entries,topics'],
      /--kinds.*some of entries, threads, comments, udt/,
    ],
    [
      ['http://localhost:1', 'p', '--report', 'r', '--kinds', 'threads'],
      /--report or other --kinds than entries/,
    ],
    [['http://localhost:1', ''], /'<?project>?'.*It must not be empty/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stdout, stderr } = await runRejoin(['tail', ...args], { cwd: '/' });
    assert.match(stderr, sentence);
    assert.equal([code, stdout, stderr.trim().split('\n').length], [2, '', 1], stderr);
  }
});

testUnless(
  spawnSync('script', ['-V']).status === 0 ? null : 'there is no `script` to make a terminal',
  test,
  'a terminal is shown colours, unless NO_COLOR says otherwise',
  async () => {
    const project = newProject();
    await upload(await connect(), entryOf(project, '11b'));
    const command = `'${process.execPath}' '${rejoinEntry}' tail ${server().url} ${project} --no-follow`;
    const run = async (more: NodeJS.ProcessEnv): Promise<string> => {
      const env = {
        ...process.env,
        TERM: 'xterm-256color',
        NO_COLOR: undefined,
        FORCE_COLOR: undefined,
        CI: undefined, // where Node takes no terminal for one that shows colours
        ...more,
      };
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      await once(child, 'close');
      return shown;
    };
    assert.match(await run({}), /\u001b\[36manonymous\u001b\[39m/);
    assert.match(await run({ NO_COLOR: '1' }), / {2}anonymous {2}day3 {2}11b {2}added/);
  },
);

test.run();
