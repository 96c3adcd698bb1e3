// A UDT PATCH of one label, durable and with its hash, beside an HTTP round trip with one fsync, and in a large session
// beside a small one.

import { join } from 'node:path';
import { interleaved, medianOf, type Benchmark, type Row } from './benchmark.ts';
import { HttpConnection, askOnce, httpRequest } from './http-connection.ts';
import { answerForFloor } from './poll.ts';
import { createSession, labelPatch, sessionSizes } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const patch: Benchmark = {
  about:
    'UDT PATCHes of one label, one after another, beside node:http + one synced LevelDB put; and those of the largest ' +
    'session beside those of the smallest, by turns on one server',
  async run(bench) {
    const server = await bench.server();
    const sessions: Session[] = [];
    const rows: Row[] = [];
    for (const samples of sessionSizes(bench)) {
      const session = { target: `/api/session/${await createSession(server.url, samples)}`, samples };
      sessions.push(session);
      rows.push(await besideFloor(bench, server.url, session));
    }
    for (const dialect of ['v1', 'v2'] as const)
      rows.push(await largestBesideSmallest(bench, server.url, sessions, dialect));
    return rows;
  },
};

interface Session {
  readonly target: string;
  readonly samples: number;
}

async function besideFloor(bench: Workbench, url: string, session: Session): Promise<Row> {
  const { target, samples } = session;
  const answer = await askOnce(url, 'PATCH', target, labelPatch(0, 0));
  const folder = join(await bench.folder(), 'puts');
  const floor = await bench.floor('http-and-sync', folder, answerForFloor(answer));
  const patches = bench.size(1_000, 20);
  const figures = await interleaved(
    bench.size(5, 1),
    () => typicalMs(url, session, patches),
    () => typicalMs(floor.url, session, patches),
  );
  await floor.stop();
  bench.say(`${samples} samples done`);
  return { work: `patch, ${samples} samples, p50`, unit: 'ms', ...figures, reach: { atMost: 3 } };
}

/** In place of a floor: what the same PATCH takes in the smallest session. */
async function largestBesideSmallest(
  bench: Workbench,
  url: string,
  sessions: readonly Session[],
  dialect: 'v1' | 'v2',
): Promise<Row> {
  const [smallest, largest] = [sessions.at(0), sessions.at(-1)];
  if (!smallest || !largest) throw new Error('there are no sessions');
  const patches = bench.size(1_000, 20);
  const figures = await interleaved(
    bench.size(7, 1),
    () => typicalMs(url, largest, patches, dialect),
    () => typicalMs(url, smallest, patches, dialect),
  );
  const clients = dialect === 'v2' ? ', by v2 clients' : '';
  const work = `patch, p50 at ${largest.samples} beside that at ${smallest.samples}${clients}`;
  return { work, unit: 'ms', ...figures, reach: { atMost: 1.5 } };
}

async function typicalMs(
  url: string,
  { target, samples }: Session,
  patches: number,
  dialect: 'v1' | 'v2' = 'v1',
): Promise<number> {
  const connection = await HttpConnection.open(url);
  const took: number[] = [];
  for (let i = 0; i < patches; i++) {
    const index = (i * 7919) % samples; // all over the dataset
    const sample = dialect === 'v2' ? `s${index}` : index;
    const request = httpRequest(url, 'PATCH', `/${dialect}${target}`, labelPatch(sample, i));
    const startedMs = performance.now();
    const { status, body } = await connection.ask(request);
    took.push(performance.now() - startedMs);
    if (status !== 200) throw new Error(`a PATCH was answered with ${status} ${body.toString()}`);
  }
  connection.close();
  return medianOf(took);
}
