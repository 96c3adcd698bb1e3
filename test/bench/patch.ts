// A UDT PATCH of one label, durable and with its hash, beside an HTTP round trip with one fsync.

import { join } from 'node:path';
import { interleaved, medianOf, type Benchmark, type Row } from './benchmark.ts';
import { HttpConnection, askOnce, httpRequest } from './http-connection.ts';
import { answerForFloor } from './poll.ts';
import { createSession, labelPatch } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const patch: Benchmark = {
  about: 'UDT PATCHes of one label, one after another, beside node:http + one synced LevelDB put',
  async run(bench) {
    const server = await bench.server();
    const rows: Row[] = [];
    for (const samples of [100, bench.size(20_000, 200)]) {
      const target = `/api/session/${await createSession(server.url, samples)}`;
      rows.push(await patchesOf(bench, server.url, target, samples));
    }
    return rows;
  },
};

async function patchesOf(bench: Workbench, url: string, target: string, samples: number): Promise<Row> {
  const answer = await askOnce(url, 'PATCH', target, labelPatch(0, 0));
  const folder = join(await bench.folder(), 'puts');
  const floor = await bench.floor('http-and-sync', folder, answerForFloor(answer));
  const patches = bench.size(1_000, 20);
  const figures = await interleaved(
    bench.size(5, 1),
    () => typicalMs(url, target, samples, patches),
    () => typicalMs(floor.url, target, samples, patches),
  );
  await floor.stop();
  bench.say(`${samples} samples done`);
  return { work: `patch, ${samples} samples, p50`, unit: 'ms', ...figures, reach: { atMost: 3 } };
}

async function typicalMs(url: string, target: string, samples: number, patches: number): Promise<number> {
  const connection = await HttpConnection.open(url);
  const took: number[] = [];
  for (let i = 0; i < patches; i++) {
    const sample = (i * 7919) % samples; // all over the dataset
    const request = httpRequest(url, 'PATCH', target, labelPatch(sample, i));
    const startedMs = performance.now();
    const { status, body } = await connection.ask(request);
    took.push(performance.now() - startedMs);
    if (status !== 200) throw new Error(`a PATCH was answered with ${status} ${body.toString()}`);
  }
  connection.close();
  return medianOf(took);
}
