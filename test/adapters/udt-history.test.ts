// UDT-13 over real requests: how long a client may be away and still be answered with patches.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';

const hourMs = 60 * 60 * 1000;
const test = suite('UDT-13');

test('UDT-13 versions of the last hour are answered with patches, older ones with the whole state once they are gone', async () => {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const options = {
    environment: { ...realEnvironment, now: () => clock.nowMs },
    udtHistoryMs: hourMs,
    holdMs: 0,
  };
  const first = await startServer(options);
  const client = await UdtClient.create(first.url, { n: 0 });
  await client.patch([{ op: 'replace', path: '/n', value: 1 }]);
  clock.nowMs += 0.9 * hourMs;
  await client.patch([{ op: 'replace', path: '/n', value: 2 }]);

  const second = await restarted(first, options);
  const again = new UdtClient(second.url, client.id);
  assert.is((await again.diffs(0)).patches.length, 2, 'both are of the last hour');
  clock.nowMs += 0.2 * hourMs;
  const third = await restarted(second, options);
  const late = new UdtClient(third.url, client.id);
  await until('the first is gone', async () => (await late.diffs(0)).patches.length === 1);
  const { patch, latestVersion } = await late.diffs(0);
  assert.equal(patch, [{ op: 'replace', path: '/n', value: 2 }]);
  assert.is(latestVersion, 2);
  assert.is((await late.diffs(1)).patches.length, 1);
  await third.remove();
});

/** What a server does in the background it also does when a project is opened. */
async function restarted(
  server: TestServer,
  options: Parameters<typeof startServer>[0],
): Promise<TestServer> {
  await server.stop();
  return startServer({ ...options, data: server.data });
}

test.run();
