// The control channel: commands reach the server that has a data folder, and nobody else does.

import { cp, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askServer } from '../src/cli/control-client.ts';
import {
  controlFileName,
  readControlFile,
  writeControlFile,
  type ControlAddress,
} from '../src/control-file.ts';
import { Control, controlContentType } from '../src/control.ts';
import type { Operation, Outcome, Step } from '../src/core/operations.ts';
import { RejoinError } from '../src/errors.ts';
import { realEnvironment } from '../src/model/environment.ts';
import { isThere } from '../src/store/is-there.ts';
import { uploadTo } from './support/rest-client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { newEntry } from './support/stream-client.ts';
import { removeFolder, temporaryFolder } from './support/temporary.ts';
import { until } from './support/until.ts';

const control = suite<{ server: TestServer }>('control');

control.before.each(async (context) => {
  context.server = await startServer();
});
control.after.each(({ server }) => server.remove());

async function ask(
  data: string,
  operation: Operation,
  more: { onStep?: (step: Step) => void; stopping?: AbortSignal } = {},
): Promise<Outcome | null> {
  const stopping = more.stopping ?? new AbortController().signal;
  return askServer(data, operation, { onStep: more.onStep ?? (() => undefined), stopping });
}

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof RejoinError) return error.code;
    throw error;
  }
}

async function readControl(data: string): Promise<ControlAddress> {
  const address = await readControlFile(data);
  assert.ok(address, 'there is a server');
  return address;
}

control('a command reaches the server, and hears how far it is and what became of it', async ({ server }) => {
  const { url, data } = server;
  await uploadTo(url, 'film', [newEntry('film')]);
  const steps: Step[] = [];
  const onStep = (step: Step): void => void steps.push(step);
  const verified = await ask(data, { type: 'verify', isRepair: false }, { onStep });
  assert.is(verified?.type === 'verified' && verified.counts['records'], 1);
  assert.ok(steps.some(({ type }) => type === 'progress'));
  assert.equal(await ask(data, { type: 'delete', project: 'film' }), { type: 'deleted', changes: 1 });
  assert.is((await fetch(`${url}/api/projects/film`)).status, 410);
  assert.is(await codeOf(ask(data, { type: 'delete', project: 'film' })), 'deleted');
  assert.is(await codeOf(ask(data, { type: 'delete', project: 'nobody' })), 'not-found');
  assert.equal(await ask(data, { type: 'undelete', project: 'film' }), { type: 'undeleted', changes: 1 });
  assert.is((await fetch(`${url}/api/projects/film`)).status, 200);
});

control('only who can read the file is answered, and only its owner can', async ({ server }) => {
  const { data } = server;
  assert.is((await stat(join(data, controlFileName))).mode & 0o777, 0o600);
  const { url, token, pid } = await readControl(data);
  assert.is(pid, process.pid);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const body = JSON.stringify({ type: 'verify', isRepair: true });
  for (const authorization of [undefined, '', 'Bearer ', `Bearer ${token}x`, token, `Basic ${token}`]) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await fetch(url, { method: 'POST', body, headers });
    assert.equal([response.status, await response.text()], [401, '']);
  }
});

control('what is no operation is refused, and what is too long', async ({ server }) => {
  const { url, token } = await readControl(server.data);
  const headers = { authorization: `Bearer ${token}` };
  for (const [body, code] of [
    ['', 'bad-request'],
    ['{"type":"format"}', 'bad-request'],
    ['{"type":"purge"}', 'bad-request'],
    ['x'.repeat(100_000), 'too-large'],
  ] as const) {
    const answer = (await (await fetch(url, { method: 'POST', body, headers })).json()) as { code: string };
    assert.is(answer.code, code);
  }
});

control('a server that stops leaves no file; one that was killed confuses nobody', async ({ server }) => {
  const { data } = server;
  const path = join(data, controlFileName);
  const left = await readControl(data);
  await server.stop();
  assert.is(await isThere(path), false);
  const operation = { type: 'verify', isRepair: false } as const;
  assert.is(await ask(data, operation), null);
  await writeControlFile(data, left); // nobody listens there
  assert.is(await ask(data, operation), null);
  for (const text of ['', 'x', '{}']) {
    await writeFile(path, text);
    assert.is(await ask(data, operation), null);
  }
  // Another program has the port.
  const stranger = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  await writeControlFile(data, { url: `http://127.0.0.1:${port}`, token: 't', pid: 1 });
  assert.is(await ask(data, operation), null);
  stranger.close();
  // The next server writes its own.
  const next = await startServer({ data });
  assert.is((await ask(data, operation))?.type, 'verified');
  await next.stop();
});

control('a copy of the folder of a running server leads no command to that server', async ({ server }) => {
  const copy = await temporaryFolder();
  await cp(server.data, copy, { recursive: true, preserveTimestamps: true });
  assert.ok(await isThere(join(copy, controlFileName)), 'the copy has the file');
  assert.is(await ask(copy, { type: 'verify', isRepair: false }), null);
  assert.is((await ask(server.data, { type: 'verify', isRepair: false }))?.type, 'verified');
  await removeFolder(copy);
});

control('an answer that is cut off in the middle is told as what cut it off', async () => {
  const data = await temporaryFolder();
  const half = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': controlContentType });
    response.write('{"type":"progress","done":1,"total":2}\n');
  });
  await new Promise<void>((resolve) => half.listen(0, '127.0.0.1', resolve));
  const { port } = half.address() as AddressInfo;
  await writeControlFile(data, { url: `http://127.0.0.1:${port}`, token: 't', pid: 1 });
  const messageOfAsking = async (onStep: () => void, stopping?: AbortSignal): Promise<string> => {
    try {
      await ask(data, { type: 'verify', isRepair: false }, { onStep, ...(stopping && { stopping }) });
    } catch (error) {
      if (error instanceof RejoinError) return error.message;
      throw error;
    }
    throw new Error('it was answered');
  };
  const leaving = new AbortController();
  const leave = (): void => leaving.abort(new RejoinError('unavailable', 'enough'));
  try {
    assert.is(await messageOfAsking(leave, leaving.signal), 'enough');
    const killed = await messageOfAsking(() => half.closeAllConnections());
    assert.is(killed, 'The server ended before it was done: ask again');
  } finally {
    half.closeAllConnections();
    half.close();
    await removeFolder(data);
  }
});

control(
  'a server says that it is there before it begins: who is cut off then begins nothing itself',
  async () => {
    const data = await temporaryFolder();
    let isAnswered = false;
    const operations = {
      run: async (): Promise<Outcome> => {
        await until('who asks has heard of the server', () => isAnswered);
        return { type: 'deleted', changes: 1 };
      },
    };
    const opened = await Control.open(data, { operations, environment: realEnvironment });
    try {
      const { url, token } = await readControl(data);
      const headers = { authorization: `Bearer ${token}` };
      const body = JSON.stringify({ type: 'delete', project: 'film' });
      const response = await fetch(url, { method: 'POST', body, headers });
      isAnswered = true;
      assert.equal(await response.json(), { type: 'outcome', outcome: { type: 'deleted', changes: 1 } });
    } finally {
      await opened.close(0);
      await removeFolder(data);
    }
  },
);

control('what never ends does not keep the server from ending: whoever asked is cut off', async () => {
  const data = await temporaryFolder();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const operations = {
    run: (): Promise<Outcome> => {
      begin();
      return new Promise(() => undefined); // as a write to a network folder whose server is gone
    },
  };
  const opened = await Control.open(data, { operations, environment: realEnvironment });
  try {
    const asked = codeOf(ask(data, { type: 'verify', isRepair: false }));
    await begun;
    await opened.close(1);
    assert.is(await asked, 'unavailable');
  } finally {
    await removeFolder(data);
  }
});

control('who leaves gives up what can be given up', async ({ server }) => {
  const { url, data } = server;
  await uploadTo(url, 'film', [newEntry('film')]);
  const leaving = new AbortController();
  leaving.abort(new RejoinError('unavailable', 'enough'));
  const folder = join(data, 'copy');
  assert.is(await codeOf(ask(data, { type: 'backup', folder }, { stopping: leaving.signal })), 'unavailable');
  assert.is((await ask(data, { type: 'backup', folder }))?.type, 'backed-up');
});

control.run();
