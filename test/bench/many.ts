// Thousands of projects made, edited and left, one after another: does the server's memory stay where it is, and does
// each open right again?

import { setTimeout as sleep } from 'node:timers/promises';
import { printed, type Benchmark } from './benchmark.ts';
import { HttpConnection, askOnce, httpRequest } from './http-connection.ts';
import { createSession, labelPatch } from './sample-data.ts';
import { hasFlag, residentBytes } from './workbench.ts';

export const many: Benchmark = {
  about: 'sessions created, patched and left one after another: memory of the server on the way (no floor)',
  async run(bench) {
    const projects = bench.size(2_000, 20);
    const flags = (await hasFlag('--cache-mb')) ? ['--cache-mb', String(cacheMegabytes)] : [];
    const server = await bench.server({ flags });
    const pid = server.child.pid ?? 0;
    const rows = [
      printed(`many, none yet (${flags.join(' ') || 'no --cache-mb'})`, 'MB', [await megabytes(pid)]),
    ];
    const ids: string[] = [];
    for (let quarter = 1; quarter <= 4; quarter++) {
      while (ids.length < (projects * quarter) / 4) ids.push(await touch(server.url, ids.length));
      await sleep(bench.size(1_000, 10));
      rows.push(printed(`many, after ${ids.length} projects`, 'MB', [await megabytes(pid)]));
      bench.say(`${ids.length} projects`);
    }
    const sampled = ids.filter((_, index) => index % Math.ceil(projects / 50) === 0);
    const took: number[] = [];
    for (const id of sampled) took.push(await reopenMs(server.url, id, ids.indexOf(id)));
    return [...rows, printed(`many, ${sampled.length} of them read again, all right`, 'ms', took)];
  },
};

const cacheMegabytes = 64;
const samples = 50;

async function touch(url: string, turn: number): Promise<string> {
  const id = await createSession(url, samples);
  await askOnce(url, 'PATCH', `/api/session/${id}`, labelPatch(turn % samples, turn));
  return id;
}

/** @throws Error if the project isn't what was written to it. */
async function reopenMs(url: string, id: string, turn: number): Promise<number> {
  const connection = await HttpConnection.open(url);
  const startedMs = performance.now();
  const { status, body } = await connection.ask(httpRequest(url, 'GET', `/api/session/${id}`));
  const tookMs = performance.now() - startedMs;
  connection.close();
  const session = JSON.parse(body.toString()) as { udt_json?: { samples?: { annotation?: string }[] } };
  const labels = session.udt_json?.samples?.map(({ annotation }) => annotation) ?? [];
  const wanted = Array.from({ length: samples }, (_, sample) =>
    sample === turn % samples ? (turn % 2 === 0 ? 'positive' : 'negative') : 'neutral',
  );
  if (status !== 200 || labels.join() !== wanted.join()) throw new Error(`project ${turn} came back wrong`);
  return tookMs;
}

async function megabytes(pid: number): Promise<number> {
  return (await residentBytes(pid)) / 1024 / 1024;
}
