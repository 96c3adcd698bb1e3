// The creation of a UDT session, durable, beside the least that it takes: to parse the file, build a bare Yjs document,
// encode it and write it.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { interleaved, type Benchmark, type Row } from './benchmark.ts';
import { HttpConnection } from './http-connection.ts';
import { sessionIdIn, sessionRequest } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const create: Benchmark = {
  about:
    'a POST of a UDT file until it is answered, beside JSON.parse + bare Yjs build and encode + one synced LevelDB put ' +
    'of the update',
  async run(bench) {
    const rows: Row[] = [];
    for (const samples of bench.isQuick ? [100] : [1_000, 10_000, 100_000])
      rows.push(await creationsOf(bench, samples));
    return rows;
  },
};

async function creationsOf(bench: Workbench, samples: number): Promise<Row> {
  const server = await bench.server();
  const floor = await bench.floor('create-session', join(await bench.folder(), 'sessions'));
  const figures = await interleaved(
    bench.size(samples > 10_000 ? 5 : 9, 1),
    () => creationMs(bench, server.url, samples),
    () => creationMs(bench, floor.url, samples),
  );
  await server.kill('SIGKILL');
  await floor.stop();
  bench.say(`${samples} samples done`);
  return { work: `create, ${samples} samples`, unit: 'ms', ...figures, reach: { atMost: 2 } };
}

/** With nothing else in work: what comes after the creation of the session before isn't this one's. */
async function creationMs(bench: Workbench, url: string, samples: number): Promise<number> {
  const request = sessionRequest(url, samples);
  await sleep(bench.size(1_000, 0));
  const connection = await HttpConnection.open(url);
  const startedMs = performance.now();
  const answer = await connection.ask(request);
  const tookMs = performance.now() - startedMs;
  connection.close();
  sessionIdIn(answer);
  return tookMs;
}
