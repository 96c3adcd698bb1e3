// The longest time that the server's event loop is held while a large document is edited and snapshots of it are made.

import { setTimeout as sleep } from 'node:timers/promises';
import * as Y from 'yjs';
import { printed, type Benchmark } from './benchmark.ts';
import { longestDelayMs } from './event-loop-delay.ts';
import { HttpConnection, httpRequest } from './http-connection.ts';
import { createSession, labelPatch } from './sample-data.ts';
import { YjsWriter, documentOfMegabytes, writeOverYjs } from './yjs-data.ts';

export const snapshotDelay: Benchmark = {
  about:
    'edits of a 20 MB document over `/yjs` and by PATCH at a steady rate: the longest event loop delay, by /metrics',
  async run(bench) {
    const server = await bench.server();
    const project = await createSession(server.url, samples);
    const large = documentOfMegabytes(bench.size(20, 1), project);
    await writeOverYjs(server.url, large);
    bench.say('the document is written');
    await longestDelayMs(server.url); // it counts from the last time that it was asked

    const doc = new Y.Doc();
    const writer = await YjsWriter.open(server.url, project);
    doc.on('update', (update: Uint8Array) => writer.send(update));
    const connection = await HttpConnection.open(server.url);
    const delays: number[] = [];
    const durationMs = bench.size(30_000, 300);
    const startedMs = performance.now();
    let edits = 0;
    for (let scrapedMs = startedMs; performance.now() - startedMs < durationMs; edits++) {
      doc.getMap('cells').set(`cell ${edits % 100}`, edits);
      const { status } = await connection.ask(
        httpRequest(server.url, 'PATCH', `/api/session/${project}`, labelPatch(edits % samples, edits)),
      );
      if (status !== 200) throw new Error(`a PATCH was answered with ${status}`);
      await sleep(10);
      if (performance.now() - scrapedMs < 1_000) continue;
      scrapedMs = performance.now();
      delays.push(...(await longestDelayMs(server.url)));
    }
    delays.push(...(await longestDelayMs(server.url)));
    await writer.durable(edits);
    writer.close();
    connection.close();
    const longest = delays.length > 0 ? [Math.max(...delays)] : [];
    const rate = Math.round((2 * edits * 1_000) / (performance.now() - startedMs));
    return [printed(`longest event loop delay, ${rate} changes/s`, 'ms', longest)];
  },
};

const samples = 1_000;
