// UDT-19: what was answered with 200 is there after the process was killed, at whatever moment.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startProcess, type ServerProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, plainHash } from '../support/udt-client.ts';

let data: string;
let server: ServerProcess;
const durable = suite('udt-durable');
durable.before.each(async () => {
  data = await temporaryFolder();
  server = await startProcess(data);
});
durable.after.each(async () => {
  await server.kill('SIGKILL');
  await removeFolder(data);
});

async function killAndRestart(client: UdtClient): Promise<UdtClient> {
  await server.kill('SIGKILL');
  server = await startProcess(data);
  return new UdtClient(server.url, client.id);
}

durable('UDT-19 a session and a label survive SIGKILL right after the reply', async () => {
  let client = await killAndRestart(await UdtClient.create(server.url, { samples: [{ document: 'hi' }] }));
  assert.equal((await client.get()).udt_json, { samples: [{ document: 'hi' }] });

  const label = { op: 'add', path: '/samples/0/annotation', value: 'a' } as const;
  const reply = await client.patch([label], 'Ann');
  client = await killAndRestart(client);
  const { udt_json, version, user_name } = await client.get();
  assert.equal(udt_json, { samples: [{ document: 'hi', annotation: 'a' }] });
  assert.is(version, 1);
  assert.is(user_name, 'Ann');
  assert.equal(await client.diffs(0), {
    patch: [label],
    patches: [[label]],
    changeLog: [{ userName: 'Ann', op: label.op, path: label.path }],
    ...reply,
  });
});

durable('UDT-19 of PATCHes at the same time, those that were answered are there', async () => {
  const client = await UdtClient.create(server.url, { n: {} });
  const answered = new Set<string>();
  const killed = new AbortController();
  const write = async (key: string): Promise<void> => {
    const reply = await client.tryPatch({ patch: [{ op: 'add', path: `/n/${key}`, value: 1 }] });
    if (reply.status === 200) answered.add(key);
    if (answered.size < 100) return;
    killed.abort();
    server.child.kill('SIGKILL');
  };
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; !killed.signal.aborted; i++) {
      await write(`w${writer}-${i}`).catch((error: unknown) => {
        if (!killed.signal.aborted) throw error; // else the process went before it could answer
      });
    }
  });
  await Promise.all(writers);
  const again = await killAndRestart(client);
  const { udt_json, version } = await again.get();
  const present = new Set(Object.keys(udt_json.n as object));
  for (const key of answered) assert.ok(present.has(key), `${key} is lost`);
  const { patches, changeLog, hashOfLatestState } = await again.diffs(0);
  assert.is(changeLog.length, present.size, 'one version each, also of those without an answer');
  assert.is(patches.length, version, 'with those that only refresh screens (UDT-8)');
  assert.is(hashOfLatestState, plainHash(udt_json));
});

durable.run();
