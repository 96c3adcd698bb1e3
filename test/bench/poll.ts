// A UDT client's poll with nothing new, by 16 connections, beside node:http answering the same bytes.

import { interleaved, type Benchmark, type Row } from './benchmark.ts';
import { HttpConnection, askOnce, httpRequest, type HttpAnswer } from './http-connection.ts';
import { createSession, sessionSizes } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const poll: Benchmark = {
  about: 'UDT polls with nothing new on 16 kept connections, beside bare node:http with the same bytes',
  async run(bench) {
    const server = await bench.server();
    const rows: Row[] = [];
    for (const samples of sessionSizes(bench)) {
      const id = await createSession(server.url, samples);
      rows.push(await pollsOf(bench, server.url, `/api/session/${id}/diffs?since=0`, samples));
    }
    return rows;
  },
};

const connections = 16;

async function pollsOf(bench: Workbench, url: string, target: string, samples: number): Promise<Row> {
  const floor = await bench.floor('http-answer', answerForFloor(await askOnce(url, 'GET', target)));
  const durationMs = bench.size(2_000, 100);
  const figures = await interleaved(
    bench.size(5, 1),
    () => requestsPerSecond(url, target, durationMs),
    () => requestsPerSecond(floor.url, target, durationMs),
  );
  await floor.stop();
  bench.say(`${samples} samples done`);
  return { work: `poll, ${samples} samples`, unit: 'requests/s', ...figures, reach: { atLeast: 0.5 } };
}

/** What a floor needs to give the same answer; node:http adds the rest by itself. */
export function answerForFloor({ head, body }: HttpAnswer): string {
  const headers = head
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '' && !/^(date|connection|keep-alive):/i.test(line))
    .flatMap((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    });
  return JSON.stringify({ headers, body: body.toString() });
}

async function requestsPerSecond(url: string, target: string, durationMs: number): Promise<number> {
  const request = httpRequest(url, 'GET', target);
  const opened = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(url)));
  const startedMs = performance.now();
  let answers = 0;
  const ask = async (connection: HttpConnection): Promise<void> => {
    while (performance.now() - startedMs < durationMs) {
      const { status } = await connection.ask(request);
      if (status !== 200) throw new Error(`a poll was answered with ${status}`);
      answers++;
    }
  };
  await Promise.all(opened.map(ask));
  const seconds = (performance.now() - startedMs) / 1000;
  for (const connection of opened) connection.close();
  return answers / seconds;
}
