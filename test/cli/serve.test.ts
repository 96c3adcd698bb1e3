// The command line as users meet it, and `rejoin serve`: the built program as a process. It takes long.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { sealJson } from '../../src/store/digest.ts';
import { formatKey } from '../../src/store/store-keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { rawRequest } from '../support/raw-http.ts';
import { runRejoin } from '../support/run-rejoin.ts';
import { spawnRejoin, startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite<{ folder: string }>('command line');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

test('--version and --help answer and end with 0', async ({ folder }) => {
  const version = await runRejoin(['--version'], { cwd: folder });
  assert.is(version.code, 0);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const help = await runRejoin(['serve', '--help'], { cwd: folder });
  assert.is(help.code, 0);
  for (const flag of [
    'host',
    'port',
    'data',
    'server-id',
    'public-url',
    'allow-origin',
    'insecure',
    'udt-all',
    'peer',
    'peer-token',
    'peer-projects',
    'max-body',
  ]) {
    assert.match(help.stdout, new RegExp(`--${flag}\\b`));
  }
});

test('wrong use: one sentence that says what would be right, exit code 2, no stack trace', async ({
  folder,
}) => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['--colour'], /unknown option '--colour'/],
    [['serve', '--prot', '1'], /unknown option '--prot'/],
    [['start'], /There is no command "start": rejoin --help lists them/],
    [['--port', 'http'], /--port.*'http'.*integer from 0 to 65535/],
    [['--port', '65536'], /integer from 0 to 65535/],
    [['--server-id', '0'], /integer from 1 to 281474976710655/],
    [['--public-url', 'ftp://x'], /--public-url.*URL such as/],
    [['--allow-origin', 'https://a.example/path'], /origin such as/],
    [['--max-body', '128 MiB'], /--max-body.*such as 64mb, from 1kb to 500mb/],
    [['--max-body', '1023'], /from 1kb to 500mb/],
    [['--max-body', '501mb'], /from 1kb to 500mb/],
    [['--peer', 'office.example'], /--peer office\.example should be the address of a server/],
    [['--peer', ''], /--peer "" should be the address of a server/],
    [['--peer', 'https://office.example'], /--peer https:.*on another machine: .*same --peer-token/],
    [['--peer-token', 'two words'], /--peer-token should be .*ASCII/],
    [['--peer-projects', ''], /--peer-projects "" should be a project's id, or a pattern/],
    [['--data', ''], /--data <folder>' argument '' is invalid. It should be the name of a folder/],
    [['restore', 'backup', '--data', ''], /It should be the name of a folder/],
    [['backup', ''], /argument 'folder'. It should be the name of a folder/],
    [['--log-level', 'loud'], /Allowed choices are/],
    [['--host', '0.0.0.0'], /--host 0\.0\.0\.0 .*add --insecure/],
  ];
  for (const [args, sentence] of cases) await refused(args, folder, 2, sentence);
});

test('what keeps it from starting: one sentence, exit code 1, no stack trace', async ({ folder }) => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await refused(['--data', join(file, 'data')], folder, 1, /data folder .* can't be made: ENOTDIR/);

  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await refused(
    ['--port', String(port)],
    folder,
    1,
    new RegExp(`Port ${port} of 127\\.0\\.0\\.1 is in use.*--port`),
  );
  taken.close();
  await refused(
    ['--host', '127.9.9.9.9', '--insecure', '--port', '0'],
    folder,
    1,
    /can't listen on 127\.9\.9\.9\.9/,
  );
});

test('an empty variable of a list means none', async ({ folder }) => {
  const env = { ...process.env, REJOIN_PEER: '', REJOIN_PEER_PROJECTS: ' ', REJOIN_ALLOW_ORIGIN: '' };
  const server = await startProcess(folder, { env });
  assert.is((await fetch(`${server.url}/healthz`)).status, 200);
  await server.kill('SIGTERM');
});

test('a folder in use is refused by name, and the server that has it goes on', async ({ folder }) => {
  const server = await startProcess(folder);
  const sentence = new RegExp(`in use by process ${server.child.pid ?? 0}, started .*--data`);
  await refused(['--port', '0', '--data', folder], folder, 1, sentence);
  assert.is((await fetch(`${server.url}/healthz`)).status, 200);
  await server.kill('SIGKILL');
  const again = await startProcess(folder); // a file left by a killed process is in nobody's way
  await again.kill('SIGTERM');
});

test('a newer format is refused', async ({ folder }) => {
  const server = await startProcess(folder);
  await server.kill('SIGTERM');
  const store = await LevelStore.open(join(folder, 'db'));
  await store.write([{ key: formatKey, value: sealJson(formatKey, 99) }]);
  await store.close();
  await refused(['--port', '0', '--data', folder], folder, 1, /format 99.*use a newer rejoin/);
});

test('the ready line, the addresses to paste, and structured logs on standard error alone', async ({
  folder,
}) => {
  const child = spawnRejoin(['--port', '0', '--server-id', '7', '--data', folder, '--log-level', 'debug']);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('server id')) resolve();
    });
  });
  const port = /listening on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(stdout)?.[1] ?? '';
  assert.match(stdout, new RegExp(`ws://127\\.0\\.0\\.1:${port}/ws\\n`));
  assert.match(stdout, new RegExp(`ws://127\\.0\\.0\\.1:${port}/yjs\\n`));
  assert.match(stdout, /server id 7\b/);
  await fetch(`http://127.0.0.1:${port}/nothing`);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await ended) as unknown[];
  assert.is(code, 0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  assert.ok(lines.some(({ msg }) => msg.includes('nothing at /nothing')));
  const [first] = lines;
  assert.is(first?.msg, `rejoin serves ${folder} as server 7 on http://127.0.0.1:${port}`);
  assert.match(lines.at(-2)?.msg ?? '', /^SIGTERM: finishing what is in flight/);
  assert.match(lines.at(-1)?.msg ?? '', /^stopped in order after \d+ ms/);
});

test('every flag has an environment variable', async ({ folder }) => {
  const env = {
    ...process.env,
    REJOIN_PORT: '0',
    REJOIN_DATA: folder,
    REJOIN_HOST: 'localhost',
    REJOIN_SERVER_ID: '12',
  };
  const child = spawnRejoin([], { env });
  let stdout = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('server id 12')) resolve();
    });
  });
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  assert.equal(await ended, [0, null]);
});

test('UDT-20 --max-body and its variable take bytes, kb and mb', async ({ folder }) => {
  const cases: readonly [readonly string[], NodeJS.ProcessEnv, number][] = [
    [['--max-body', '2000'], {}, 2000],
    [['--max-body', '2KB'], {}, 2048],
    [[], { REJOIN_MAX_BODY: '3mb' }, 3 * 1024 * 1024],
    [[], {}, 128 * 1024 * 1024],
  ];
  for (const [flags, env, bytes] of cases) {
    const child = spawnRejoin(['--port', '0', '--data', folder, ...flags], {
      env: { ...process.env, ...env },
    });
    const ended = once(child, 'exit');
    const [ready] = (await Promise.race([once(child.stdout, 'data'), ended])) as unknown[];
    const url = /listening on (\S+)/.exec(String(ready))?.[1] ?? '';
    const length = `Content-Length: ${bytes + 1}`;
    const head = ['POST /api/session HTTP/1.1', `Host: ${new URL(url).host}`, length, '', ''];
    const { status, body } = await rawRequest(url, head);
    assert.is(status, 413);
    assert.match(body, `larger than ${bytes} bytes`);
    child.kill('SIGTERM');
    await ended;
  }
});

test('sockets that are for another process are left alone, and the log says so', async ({ folder }) => {
  const env = { ...process.env, LISTEN_FDS: '1', LISTEN_PID: '1' };
  const child = spawnRejoin(['--port', '0', '--data', folder], { env });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'exit');
  const [ready] = (await Promise.race([once(child.stdout, 'data'), ended])) as unknown[];
  assert.match(String(ready), /listening on http:\/\/127\.0\.0\.1:/);
  assert.match(stderr, /"type":"listen-fds","msg":"LISTEN_FDS is ignored: LISTEN_PID names process 1 /);
  child.kill('SIGTERM');
  await ended;
});

test('a file descriptor that is no listening socket: one sentence, exit code 1', async ({ folder }) => {
  const entry = fileURLToPath(new URL('../../bin/rejoin.js', import.meta.url));
  const line = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3</dev/null';
  const child = spawn('sh', ['-c', line, process.execPath, entry, '--data', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as unknown[];
  assert.is(code, 1);
  assert.match(stderr, /^rejoin: The inherited file descriptor 3 is no listening TCP socket .*ListenStream=/);
});

test('the variable of a boolean flag can switch it off, and says nothing else', async ({ folder }) => {
  const open = ['--host', '0.0.0.0', '--port', '0', '--data', folder];
  for (const off of ['false', '0', 'no', ''])
    await refused(open, folder, 2, /--host 0\.0\.0\.0 .*add --insecure/, { REJOIN_INSECURE: off });
  const refusedText = /REJOIN_(INSECURE|UDT_ALL)=perhaps should be true, 1 or yes/;
  await refused(open, folder, 2, refusedText, { REJOIN_INSECURE: 'perhaps' });
  await refused(open, folder, 2, refusedText, { REJOIN_UDT_ALL: 'perhaps' });
  for (const on of ['true', '1', 'yes']) await startsOpen(open, { REJOIN_INSECURE: on });
  await startsOpen([...open, '--insecure'], { REJOIN_INSECURE: 'false' }); // a flag goes before its variable
});

async function startsOpen(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawnRejoin(args, { env: { ...process.env, ...env } });
  const ended = once(child, 'exit');
  const started = once(child.stdout, 'data');
  const [first] = (await Promise.race([started, ended])) as unknown[];
  assert.match(String(first), /listening on http:/);
  child.kill('SIGTERM');
  assert.equal(await ended, [0, null]);
}

test('SIGTERM: what was sent is done and acknowledged, sockets close with 1012, exit code 0', async ({
  folder,
}) => {
  const server = await startProcess(folder);
  const socket = new WebSocket(`${server.socketUrl}/ws`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const messages: { type: string; mux_id: unknown }[] = [];
  socket.on('message', (data: Buffer) =>
    messages.push(JSON.parse(data.toString()) as { type: string; mux_id: unknown }),
  );
  for (let i = 0; i < 50; i++)
    socket.send(JSON.stringify({ type: 'upload', mux_id: i, objects: [entry(i)] }));
  while (messages.length === 0) await once(socket, 'message');
  const exit = server.kill('SIGTERM');
  const [code] = (await closed) as unknown[];
  assert.is(code, 1012);
  assert.is(await exit, 0);

  const again = await startProcess(folder);
  const reader = new WebSocket(`${again.socketUrl}/ws`);
  await once(reader, 'open');
  reader.send(JSON.stringify({ type: 'fetch', mux_id: 1, project_id: 'p', entries: '*' }));
  const stored = new Set<string>();
  await new Promise<void>((resolve) => {
    reader.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; version_uuid?: string };
      if (message.type === 'sync') resolve();
      else stored.add(message.version_uuid ?? '');
    });
  });
  const acknowledged = messages.filter(({ type }) => type === 'uploaded');
  assert.ok(acknowledged.length > 0);
  for (const { mux_id } of acknowledged) assert.ok(stored.has(`v${String(mux_id)}`));
  reader.terminate();
  await again.kill('SIGTERM');
});

function entry(i: number): Record<string, unknown> {
  return {
    type: 'newentry',
    project: 'p',
    report: 'r',
    entry: `e${i}`,
    version: `v${i}`,
    clip_id: '11b',
    content: {},
    modifies: null,
    reason: null,
    archivetime: null,
    authortime: '2026-11-22T10:00:00Z',
  };
}

async function refused(
  args: readonly string[],
  cwd: string,
  code: number,
  sentence: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const { stderr, stdout, ...ended } = await runRejoin(args, { cwd, env });
  assert.is(ended.code, code, `${args.join(' ')}: ${stderr}`);
  assert.match(stderr, sentence);
  assert.is(stdout, '');
  assert.not.match(stderr, /^\s+at /m);
  assert.ok(stderr.trim().split('\n').length <= 2, stderr); // commander may add a suggestion
}

test.run();
