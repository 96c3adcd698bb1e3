// What a server says of itself while its store takes no writes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sockets } from '../src/adapters/sockets.ts';
import { StreamAdapter } from '../src/adapters/stream.ts';
import { UdtAdapter } from '../src/adapters/udt.ts';
import { YjsAdapter } from '../src/adapters/yjs.ts';
import { Projects } from '../src/core/projects.ts';
import { HttpFront } from '../src/http-front.ts';
import { Metrics } from '../src/metrics.ts';
import { realEnvironment } from '../src/model/environment.ts';
import { Observations, eventTypes } from '../src/observations.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { metric } from './support/metrics.ts';
import { UdtClient } from './support/udt-client.ts';
import { until } from './support/until.ts';

const test = suite('http-front');

test('GET /readyz says why writes are not taken, GET /healthz that the server lives', async () => {
  const store = new FaultyStore();
  const { front, url, close } = await openFront(store);
  try {
    const client = await UdtClient.create(url, { n: 0 });
    assert.is((await fetch(`${url}/readyz`)).status, 200);

    store.reopenFailures = Infinity;
    store.failNext('is lost');
    assert.is((await client.tryPatch({ patch: [] })).status, 500);
    await until('the store is being opened again', async () => (await fetch(`${url}/readyz`)).status === 503);
    assert.match(
      await (await fetch(`${url}/readyz`)).text(),
      /^The store does not take writes: .*injected failure/,
    );
    assert.is((await fetch(`${url}/healthz`)).status, 200);
    assert.is(await metric(url, 'rejoin_store_writable'), 0);

    const poll = client.diffs(0); // held, not refused
    store.reopenFailures = 0;
    assert.is((await poll).latestVersion, 0);
    assert.is((await fetch(`${url}/readyz`)).status, 200);
    assert.is(await metric(url, 'rejoin_store_writable'), 1);
    assert.is(front.address, new URL(url).host);
  } finally {
    store.reopenFailures = 0;
    await close();
  }
});

async function openFront(store: FaultyStore) {
  const environment = realEnvironment;
  const metrics: Metrics = new Metrics(
    {
      measuresProcess: false,
      openProjects: () => projects.openCount,
      isWritable: () => observations.storeTrouble === null,
      bytesOnDisk: () => Promise.resolve(0),
      bytesFree: () => Promise.resolve(0),
    },
    eventTypes,
  );
  const observations: Observations = new Observations({ log: undefined, metrics, environment });
  const life = { serverId: 9, epoch: 3 };
  const projects: Projects = new Projects({ store, life, environment, observer: observations });
  const yjs = new YjsAdapter(projects, { environment, log: observations });
  const baseUrl = (): string => '';
  const front: HttpFront = new HttpFront({
    publicUrl: null,
    allowedOrigins: [],
    sockets: new Sockets(),
    metrics,
    observations,
    stream: new StreamAdapter(projects, observations),
    yjs,
    udt: new UdtAdapter({ projects, log: observations, shareAll: false, bodyBytesMax: 1e6, baseUrl }),
  });
  await front.listen({ host: '127.0.0.1', port: 0, inherited: [] }, false);
  const close = async (): Promise<void> => {
    await front.stop({ holdMs: 0, requestsMs: 1_000, socketsMs: 1_000 }, () => projects.finish());
    yjs.end();
    await projects.close();
  };
  return { front, url: `http://${front.address}`, close };
}

test.run();
