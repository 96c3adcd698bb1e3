// `rejoin upload` as users meet it: the built program beside a server, which is also killed under it.
// It takes long.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocketServer } from 'ws';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { rejoinEntry, runDone, runRejoin } from '../support/run-rejoin.ts';
import { spawnRejoin, startProcess } from '../support/server.ts';
import { StreamClient } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { testUnless } from '../support/test-unless.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('rejoin upload');
const { server, newProject, atEnd } = withServer(test);

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  atEnd(() => removeFolder(folder));
  return folder;
}

/** All that a server has of a project, in order. */
async function objectsOf(socketUrl: string, project: string): Promise<JsonObject[]> {
  const client = await StreamClient.connect(socketUrl);
  const mux_id = client.newMuxId();
  client.send({ type: 'fetch', mux_id, project_id: project, entries: '*', threads: '*', comments: '*' });
  await client.waitFor((message) => message['mux_id'] === mux_id && message['type'] === 'sync');
  await client.close();
  return client.objectsOf(mux_id);
}

function fieldsOf(objects: readonly JsonObject[]): Json[][] {
  return objects.map(({ report_uuid = null, clip_id = null, content = null, reason = null }) => [
    report_uuid,
    clip_id,
    content,
    reason,
  ]);
}

test('rows become entries; the same file again, from standard input too, is nothing new', async () => {
  const folder = await newFolder();
  const project = newProject();
  const { url, socketUrl } = server();
  const text = 'scene,clip_id,note\n12,11b,"a, b"\n13,12,\n13,12,\n';
  await writeFile(join(folder, 'day3.csv'), '\ufeff' + text);
  const said = await runDone(['upload', url, project, 'day3.csv'], folder);
  assert.match(
    said,
    /^rejoin \S+ uploaded day3\.csv: 3 rows\n {2}rows +3 new, 0 there already\n {2}report +day3\n/,
  );
  const first = await objectsOf(socketUrl, project);
  assert.equal(fieldsOf(first), [
    ['day3', '11b', { scene: '12', note: 'a, b' }, null],
    ['day3', '12', { scene: '13', note: '' }, null],
    ['day3', '12', { scene: '13', note: '' }, null],
  ]);
  assert.match(await runDone(['upload', url, project, 'day3.csv'], folder), /0 new, 3 there already/);
  const list = [
    { clip_id: '11b', scene: 12, note: 'a, b' },
    { clip_id: '12', note: '', scene: '13' },
  ];
  const args = ['upload', url, project, '-', '--format', 'json', '--report', 'day3'];
  assert.match(
    await runDone(args, folder, JSON.stringify(list)),
    /Standard input: 2 rows\n.* 0 new, 2 there/,
  );
  assert.is(await runDone([...args, '--quiet'], folder, '[]'), '');
  assert.equal(await objectsOf(socketUrl, project), first);
});

test('--clip, --key and --reason: a row that has changed is an edit', async () => {
  const folder = await newFolder();
  const project = newProject();
  const { url, socketUrl } = server();
  const upload = (text: string): Promise<string> => {
    const flags = [
      '--format',
      'csv',
      '--report',
      'r',
      '--clip',
      'name',
      '--key',
      'shot',
      '--reason',
      'new cut',
    ];
    return runDone(['upload', url, project, '-', ...flags], folder, text);
  };
  assert.match(await upload('shot,name,take\n1,11b,3\n2,12,1\n'), / 2 new, 0 there already/);
  assert.match(
    await upload('shot,name,take\n1,11b,4\n2,12,1\n3,13,1\n'),
    / 1 new, 1 changed, 1 there already/,
  );
  assert.match(await upload('shot,name,take\n1,11b,4\n2,12,1\n3,13,1\n'), / 0 new, 3 there already/);
  const objects = await objectsOf(socketUrl, project);
  assert.equal(fieldsOf(objects), [
    ['r', '11b', { shot: '1', take: '3' }, null],
    ['r', '12', { shot: '2', take: '1' }, null],
    ['r', '11b', { shot: '1', take: '4' }, 'new cut'],
    ['r', '13', { shot: '3', take: '1' }, null],
  ]);
  assert.equal(objects[2]?.['modifies'], [objects[0]?.['version_uuid']]);
  assert.is(objects[2]?.['entry_uuid'], objects[0]?.['entry_uuid']);
});

test('a server that is killed while it takes a file is waited for, and every row is stored once', async () => {
  const folder = await newFolder();
  const rows = Array.from({ length: 8_000 }, (_, i) => `${i},${i % 7},note`);
  await writeFile(join(folder, 'long.csv'), ['clip_id,scene,note', ...rows, ''].join('\n'));
  let killed = await startProcess(join(folder, 'data'));
  const port = Number(new URL(killed.url).port);
  try {
    const child = spawnRejoin(['upload', killed.url, 'p', 'long.csv'], { cwd: folder });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, 'close');
    const watcher = await StreamClient.connect(killed.socketUrl);
    const muxId = await watcher.subscribe('p');
    await watcher.waitForObjects(muxId, 1);
    await killed.kill('SIGKILL');
    await until('the cut is told', () => stderr.includes('no connection') || child.exitCode !== null);
    assert.is(child.exitCode, null, 'it goes on');
    killed = await startProcess(join(folder, 'data'), { port });
    assert.equal(await ended, [0, null]);
    assert.match(stdout, / 8000 new, 0 there already/);
    const clips = (await objectsOf(killed.socketUrl, 'p')).map(({ clip_id }) => Number(clip_id));
    assert.equal(
      clips.sort((a, b) => a - b),
      rows.map((_, i) => i),
    );
  } finally {
    await killed.kill('SIGKILL');
  }
});

test('an upload that is killed is completed by the next one', async () => {
  const folder = await newFolder();
  const rows = Array.from({ length: 8_000 }, (_, i) => `${i},note`);
  await writeFile(join(folder, 'long.csv'), ['clip_id,note', ...rows, ''].join('\n'));
  const project = newProject();
  const { url, socketUrl } = server();
  const child = spawnRejoin(['upload', url, project, 'long.csv'], { cwd: folder });
  const ended = once(child, 'close');
  const watcher = await StreamClient.connect(socketUrl);
  const muxId = await watcher.subscribe(project);
  await watcher.waitForObjects(muxId, 1);
  child.kill('SIGKILL');
  await ended;
  await watcher.close();
  const said = await runDone(['upload', url, project, 'long.csv'], folder);
  const [, added, there] = / (\d+) new, (\d+) there already/.exec(said) ?? [];
  assert.ok(Number(there) > 0, said);
  assert.is(Number(added) + Number(there), rows.length);
  const clips = (await objectsOf(socketUrl, project)).map(({ clip_id }) => clip_id);
  assert.is(clips.length, rows.length);
  assert.is(new Set(clips).size, rows.length);
});

test('a row that no server takes is named by its place, and nothing is begun', async () => {
  const folder = await newFolder();
  const project = newProject();
  const { url, socketUrl } = server();
  const list = [{ clip_id: '1' }, { clip_id: '2', note: 'x'.repeat(17 * 1024 * 1024) }, { clip_id: '3' }];
  await writeFile(join(folder, 'r.json'), JSON.stringify(list));
  const { code, stderr } = await runRejoin(['upload', url, project, 'r.json'], { cwd: folder });
  assert.match(stderr, /^rejoin: r\.json has at \/1 a row of 178\d+ bytes; at most 15728640 are possible\n$/);
  assert.is(code, 1);
  assert.equal(await objectsOf(socketUrl, project), []);
});

test('what is wrong is said in one sentence, and nothing is uploaded', async () => {
  const folder = await newFolder();
  const project = newProject();
  const { url, socketUrl } = server();
  await writeFile(join(folder, 'bad.csv'), 'clip_id,take\n11b,1\n12,1,2\n');
  await writeFile(join(folder, 'bad.json'), '[{"clip_id":"1"},{"clip_id":"2","take":{"n":1}}]');
  await writeFile(join(folder, 'no-clip.json'), '[{"clip_id":"1"},{"take":"2"}]');
  await writeFile(join(folder, 'good.csv'), 'clip_id,take\n11b,1\n12,1\n');
  await writeFile(join(folder, 'latin.csv'), Buffer.from([0x63, 0x0a, 0xe9, 0x0a]));
  const cases: readonly [readonly string[], 1 | 2, RegExp][] = [
    [['bad.csv'], 1, /^rejoin: bad\.csv is wrong in line 3: there are more cells than the header has: 2$/],
    [['bad.json'], 1, /^rejoin: bad\.json has at \/1\/take an object: a field should be/],
    [['no-clip.json'], 1, /^rejoin: no-clip\.json has at \/1 a row without "clip_id"$/],
    [['latin.csv'], 1, /^rejoin: latin\.csv is not text in UTF-8/],
    [['good.csv', '--key', 'take'], 1, /^rejoin: good\.csv has "1" in "take" twice, at line 2 and line 3/],
    [
      ['good.csv', '--key', 'shot'],
      2,
      /^rejoin: good\.csv has no column "shot" \(--key\), but "clip_id", "take"$/,
    ],
    [['good.csv', '--clip', 'shot'], 2, /no column "shot" \(--clip\)/],
    [['none.csv'], 1, /There is no file none\.csv/],
    [['good.txt'], 2, /ends in neither \.json nor \.csv/],
    [['-', '--format', 'csv'], 2, /Standard input has no name: say with --report/],
    [['good.csv', '--report', ''], 2, /report's id must have 1 to 128 characters/],
    [['good.csv', '--wait', 'long'], 2, /--wait.*a number with its unit/],
    [[], 2, /missing required argument 'file'/],
  ];
  for (const [args, expected, sentence] of cases) {
    const run = await runRejoin(['upload', url, project, ...args], { cwd: folder });
    assert.match(run.stderr.trimEnd(), sentence);
    assert.equal([run.code, run.stdout, run.stderr.trim().split('\n').length], [expected, '', 1], run.stderr);
  }
  assert.equal(await objectsOf(socketUrl, project), []);
  const away = await runRejoin(['upload', 'http://127.0.0.1:1', 'p', 'good.csv', '--wait', '1s'], {
    cwd: folder,
  });
  assert.is(away.code, 1);
  assert.match(
    away.stderr,
    /: trying again\nrejoin: There is no connection to http:.*run the same command again/,
  );
});

test('a server that goes on saying that it can not is given up', async () => {
  const folder = await newFolder();
  await writeFile(join(folder, 'r.csv'), 'clip_id\n11b\n');
  const failing = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  atEnd(() => failing.close());
  failing.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { mux_id, type } = JSON.parse(data.toString()) as JsonObject;
      if (type !== 'close')
        socket.send(JSON.stringify({ type: 'error', mux_id, code: 'damaged', message: 'It is damaged' }));
    });
  });
  await once(failing, 'listening');
  const address = failing.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const args = ['upload', `http://127.0.0.1:${port}`, 'p', 'r.csv', '--wait', '1s'];
  const { code, stderr } = await runRejoin(args, { cwd: folder });
  assert.match(
    stderr,
    /^rejoin: the server says: It is damaged\nrejoin: The server at http:\S+ can't do it: It is damaged\. What/,
  );
  assert.is(code, 1);
  for (const socket of failing.clients) socket.terminate();
});

test('help tells the flags', async () => {
  const help = await runDone(['upload', '--help'], '/');
  for (const flag of ['report', 'clip', 'key', 'reason', 'format', 'wait', 'quiet'])
    assert.match(help, `--${flag}`);
});

testUnless(
  spawnSync('script', ['-V']).status === 0 ? null : 'there is no `script` to make a terminal',
  test,
  'a terminal sees progress on standard error, unless --quiet',
  async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'day3.csv'), 'clip_id\n11b\n');
    const run = async (more: string): Promise<string> => {
      const command = `'${process.execPath}' '${rejoinEntry}' upload ${server().url} ${newProject()} day3.csv ${more} > out`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: folder,
        env: { ...process.env, CI: '', TERM: 'xterm' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      await once(child, 'close');
      return shown;
    };
    assert.match(await run(''), /Reading .*Asking what the server has of day3.*Uploading day3\.csv/s);
    assert.is(await run('--quiet'), '');
  },
);

test.run();
