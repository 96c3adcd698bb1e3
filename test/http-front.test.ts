// What a server says of itself while its store takes no writes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFaultyServer } from './support/faulty-server.ts';
import { metric } from './support/metrics.ts';
import { UdtClient } from './support/udt-client.ts';
import { until } from './support/until.ts';

const test = suite('http-front');

test('GET /readyz says why writes are not taken, GET /healthz that the server lives', async () => {
  const server = await startFaultyServer({ writersWaitMs: 30 });
  const { url, store, projects } = server;
  try {
    const client = await UdtClient.create(url, { n: 0 });
    assert.is((await fetch(`${url}/readyz`)).status, 200);

    store.isBroken = true;
    assert.is((await client.tryPatch({ patch: [] })).status, 500);
    const refusal = await fetch(`${url}/readyz`);
    assert.is(refusal.status, 503);
    assert.is(await refusal.text(), 'The store does not take writes: the disk is full');
    assert.is((await fetch(`${url}/healthz`)).status, 200);
    assert.is(await metric(url, 'rejoin_store_writable'), 0);
    assert.is((await client.diffs(0)).latestVersion, 0); // reads go on

    store.isBroken = false;
    await until('writing resumes', () => projects.writingProblem === null);
    assert.is((await fetch(`${url}/readyz`)).status, 200);
    assert.is(await metric(url, 'rejoin_store_writable'), 1);
  } finally {
    await server.stop();
  }
});

test.run();
