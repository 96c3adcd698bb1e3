// Restarts under a supervisor that keeps the listening socket: UDT's clients, which stop polling for good after one
// failed poll, notice nothing.

import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Supervisor } from './support/supervisor.ts';
import { removeFolder, temporaryFolder } from './support/temporary.ts';
import { UdtClient } from './support/udt-client.ts';
import { until } from './support/until.ts';

const test = suite<{ folder: string }>('restart');
test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

const restarts = 3;

test('UDT-5 no poll fails while a supervisor restarts the server', async ({ folder }) => {
  const supervisor = await Supervisor.open('127.0.0.1', ['--data', folder, '--log-level', 'warn']);
  const url = `http://127.0.0.1:${supervisor.port}`;
  let pid = await supervisor.start();
  assert.match(supervisor.said, new RegExp(`listening on ${url}\\n`));
  const client = await UdtClient.create(url, { n: 0 });
  const poll = `${url}/api/session/${client.id}/diffs?since=0`;
  const failed: string[] = [];
  let isDone = false;
  const counts: number[] = [];
  const repeat = async (index: number, ask: () => Promise<number>, pauseMs: number): Promise<void> => {
    counts[index] = 0;
    while (!isDone) {
      const status = await ask().catch((error: unknown) => String(error));
      if (status !== 200) failed.push(`client ${index} after ${counts[index]} answers: ${status}`);
      counts[index] = (counts[index] ?? 0) + 1;
      await sleep(pauseMs);
    }
  };
  const agents = [1, 2, 3].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  const fetching = async (): Promise<number> => {
    const response = await fetch(poll);
    await response.text();
    return response.status;
  };
  const patching = async (): Promise<number> => (await client.tryPatch({ patch: [] })).status;
  const clients = [
    repeat(0, fetching, 5),
    repeat(1, fetching, 300),
    repeat(2, patching, 20),
    ...agents.map((agent, i) => repeat(3 + i, () => statusOf(poll, agent), [0, 30, 1000][i] ?? 0)),
  ];
  const everyoneWasAnswered = async (): Promise<void> => {
    const before = [...counts];
    await until('everyone was answered', () => counts.every((count, i) => count >= before[i]! + 2));
  };
  try {
    for (let round = 0; round < restarts; round++) {
      await everyoneWasAnswered();
      process.kill(pid, 'SIGTERM');
      assert.is(await supervisor.ended(), 0);
      pid = await supervisor.start();
    }
    await everyoneWasAnswered();
  } finally {
    isDone = true;
    await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    await supervisor.close();
  }
  assert.equal(failed, []);
});

test('--host is judged by the address of the inherited socket', async ({ folder }) => {
  const refused = await Supervisor.open('0.0.0.0', ['--data', folder, '--host', '127.0.0.1']);
  try {
    await refused.start();
    assert.not.match(refused.said, /listening on http/);
    assert.is(await refused.ended(), 2);
    assert.match(refused.said, /rejoin: The inherited socket listens on 0\.0\.0\.0:\d+, .*add --insecure/);
  } finally {
    await refused.close();
  }
  const allowed = await Supervisor.open('0.0.0.0', ['--data', folder, '--insecure']);
  try {
    await allowed.start();
    assert.match(allowed.said, `listening on http://0.0.0.0:${allowed.port}\n`);
    const response = await fetch(`http://127.0.0.1:${allowed.port}/healthz`);
    assert.is(response.status, 200);
  } finally {
    await allowed.close();
  }
});

function statusOf(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.on('error', reject).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on('error', reject);
  });
}

test.run();
