// The cluster that `npm run cluster` is: three servers, three lines.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StreamClient, newEntry, versionsOf } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { Cluster } from './cluster.ts';

const test = suite('cluster');

test('REP-2 three servers relay around a line that is cut, and a server that was alone catches up', async () => {
  const cluster = await Cluster.start();
  const clients: StreamClient[] = [];
  try {
    for (const id of [1, 2, 3])
      clients.push(await StreamClient.connect(cluster.url(id).replace('http', 'ws')));
    const has = (at: number, count: number): Promise<void> =>
      until(`server ${at + 1} has ${count}`, async () => {
        const history = (await clients[at]?.fetch('film')) ?? [];
        return versionsOf(history).length === count;
      });
    const shows = (text: RegExp): Promise<void> =>
      until(`the status shows ${text.source}`, async () => text.test(await cluster.run('status')));

    await shows(/1 – 2 +linked.*\n1 – 3 +linked.*\n2 – 3 +linked/);
    assert.is(await cluster.run('cut 1 2'), '1 and 2 are cut off from each other');
    await clients[0]?.upload(newEntry('film'));
    await has(1, 1); // by way of 3

    assert.is(await cluster.run('cut 3 2'), '2 and 3 are cut off from each other');
    await shows(/1 – 2 +cut\n1 – 3 +linked.*\n2 – 3 +cut/);
    await clients[1]?.upload(newEntry('film'));
    await clients[2]?.upload(newEntry('film'));
    await has(0, 2);
    assert.is(versionsOf((await clients[1]?.fetch('film')) ?? []).length, 2, 'its own and the first');

    assert.is(await cluster.run('join 2 1'), '1 and 2 are joined');
    for (const at of [0, 1, 2]) await has(at, 3);
    for (const wrong of ['cut 1', 'cut 1 1', 'join 1 4'])
      assert.match(await cluster.run(wrong), /needs two different servers/);
    assert.match(await cluster.run('hello'), /^Say one of: cut 1 2/);
  } finally {
    for (const client of clients) await client.close();
    await cluster.close();
  }
});

test.run();
