// One session of a million samples: what it takes, and what others notice of it.

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { besideAim, printed, type Benchmark, type Row } from './benchmark.ts';
import { longestDelayMs } from './event-loop-delay.ts';
import { gaugedEnvironment, heapInUse } from './heap-in-use.ts';
import { HttpConnection, askOnce } from './http-connection.ts';
import { pollingMeanwhile } from './polls-meanwhile.ts';
import { createSession, labelPatch, sessionIdIn, sessionRequest } from './sample-data.ts';
import type { ServerProcess } from '../support/server.ts';
import type { Workbench } from './workbench.ts';

export const million: Benchmark = {
  about:
    'one large session, read, patched and opened while others poll: heap per sample after a collection, the longest event ' +
    'loop delay by /metrics (no floor)',
  async run(bench) {
    const samples = bench.size(1_000_000, 1_000);
    const work = (what: string): string => `${samples} samples, ${what}`;
    const data = await bench.folder();
    const flags = ['--max-body', '500mb', '--cache-mb', '4096'];
    const env = gaugedEnvironment();
    const first = await bench.server({ data, flags, env });
    const other = await createSession(first.url, 100);

    const heapBefore = await heapInUse(first);
    const request = sessionRequest(first.url, samples);
    let id = '';
    const rows = await watched(bench, first, work('POST'), [other], async () => {
      const connection = await HttpConnection.open(first.url);
      id = sessionIdIn(await connection.ask(request));
      connection.close();
    });
    await sleep(bench.size(10_000, 50)); // what it does in the background
    const heapBytes = (await heapInUse(first)) - heapBefore;
    rows.push(besideAim(work('heap, beside 2 kB'), 'kB each', [heapBytes / samples / 1_000], 2));
    const target = `/api/session/${id}`;
    const patches = bench.size(200, 5);
    const patching = async (): Promise<void> => {
      for (let i = 0; i < patches; i++)
        await askOnce(first.url, 'PATCH', target, labelPatch((i * 7919) % samples, i));
    };
    rows.push(...(await watched(bench, first, work(`${patches} PATCHes`), [other], patching)));
    const reading = (): Promise<void> => readAll(`${first.url}${target}`, samples);
    rows.push(...(await watched(bench, first, work('GET'), [id, other], reading)));
    await first.kill('SIGTERM');

    const second = await bench.server({ data, flags, env });
    const opening = (): Promise<void> => readAll(`${second.url}${target}`, samples);
    rows.push(...(await watched(bench, second, work('first GET after a restart'), [id, other], opening)));
    return rows;
  },
};

/** Runs work while others poll. */
async function watched(
  bench: Workbench,
  { url }: ServerProcess,
  what: string,
  polled: readonly string[],
  work: () => Promise<void>,
): Promise<Row[]> {
  await longestDelayMs(url); // it counts from the last time that it was asked
  const startedMs = performance.now();
  const { longestPollMs } = await pollingMeanwhile(url, polled, work);
  const tookMs = performance.now() - startedMs;
  bench.say(`${what}: done`);
  return [
    printed(what, 'ms', [tookMs]),
    besideAim(`${what}: longest event loop delay, beside 50 ms`, 'ms', await longestDelayMs(url), 50),
    printed(`${what}: longest poll`, 'ms', [longestPollMs]),
  ];
}

/** Fetches a whole session as fast as it comes. */
async function readAll(address: string, samples: number): Promise<void> {
  const [response] = (await once(get(address), 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  if (response.statusCode !== 200 || bytes < samples * 100)
    throw new Error(`${response.statusCode ?? 0}, ${bytes} bytes`);
}
