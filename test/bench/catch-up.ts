// One client of `/ws` that fetches a long history from nothing, beside a raw scan of the same frames into a socket.

import { join } from 'node:path';
import { interleaved, type Benchmark } from './benchmark.ts';
import { openLevel } from './floors/serve.ts';
import { FrameSocket, clientFrame } from './frame-socket.ts';
import { uploadFrame } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const catchUp: Benchmark = {
  about: 'a fetch of a whole project on `/ws`, beside a raw leveldown scan of the same frames → ws.send',
  async run(bench) {
    const entries = bench.size(50_000, 500);
    const data = await bench.folder();
    const builder = await bench.server({ data });
    await uploadEntries(builder.url, entries);
    const frames = await fetchedFrames(builder.url, entries);
    await builder.kill('SIGTERM');
    bench.say(`${entries} entries written`);

    const server = await bench.server({ data });
    const floor = await bench.floor('scan-to-socket', await folderOf(bench, frames), 'text');
    const figures = await interleaved(
      bench.size(7, 1),
      () => rowsPerSecond(server.url, entries + 1),
      () => rowsPerSecond(floor.url, entries + 1),
    );
    return [{ work: `catch-up, ${entries} entries`, unit: 'rows/s', ...figures, reach: { atLeast: 0.7 } }];
  },
};

const project = 'catch-up';
const entriesPerUpload = 500;
const fetchAll = clientFrame(
  JSON.stringify({
    type: 'fetch',
    mux_id: 'all',
    project_id: project,
    since: [],
    entries: '*',
    threads: '*',
    comments: '*',
  }),
);

async function uploadEntries(url: string, entries: number): Promise<void> {
  const socket = await FrameSocket.open(url, '/ws');
  for (let i = 0; i < entries; i += entriesPerUpload) {
    const answer = await socket.ask(uploadFrame(project, `${i}`, Math.min(entriesPerUpload, entries - i)));
    if (!answer.includes('"uploaded"')) throw new Error(answer.toString());
  }
  socket.close();
}

/** Every frame of a fetch, its `sync` too. */
async function fetchedFrames(url: string, entries: number): Promise<Buffer[]> {
  const socket = await FrameSocket.open(url, '/ws');
  const frames: Buffer[] = [];
  socket.onFrame = (payload) => frames.push(Buffer.from(payload));
  socket.send(fetchAll);
  await socket.until(() => frames.at(-1)?.includes('"type":"sync"') === true);
  socket.close();
  if (frames.length !== entries + 1) throw new Error(`${frames.length} frames came`);
  return frames;
}

/** A database of these frames in their order. */
async function folderOf(bench: Workbench, frames: readonly Buffer[]): Promise<string> {
  const folder = join(await bench.folder(), 'frames');
  const db = await openLevel(folder);
  for (let first = 0; first < frames.length; first += entriesPerUpload) {
    const puts = frames.slice(first, first + entriesPerUpload).map((value, i) => {
      const key = Buffer.alloc(6);
      key.writeUIntBE(first + i + 1, 0, 6);
      return { type: 'put' as const, key, value };
    });
    await new Promise<void>((resolve, reject) => {
      db.batch(puts, { sync: true }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
  await new Promise<void>((resolve) => db.close(() => resolve()));
  return folder;
}

async function rowsPerSecond(url: string, frames: number): Promise<number> {
  const socket = await FrameSocket.open(url, '/ws');
  let received = 0;
  socket.onFrame = () => received++;
  const startedMs = performance.now();
  socket.send(fetchAll);
  await socket.until(() => received === frames);
  const seconds = (performance.now() - startedMs) / 1000;
  socket.close();
  return frames / seconds;
}
