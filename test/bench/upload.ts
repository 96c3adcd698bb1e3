// Uploads of one entry each, by one writer after another and by 64 at a time, beside raw LevelDB puts with an echo.

import { join } from 'node:path';
import { interleaved, medianOf, type Benchmark } from './benchmark.ts';
import { FrameSocket } from './frame-socket.ts';
import { uploadFrame } from './sample-data.ts';

export const upload: Benchmark = {
  about: 'one upload after another on one `/ws` socket, beside bare `ws` + one synced LevelDB put + echo',
  async run(bench) {
    const server = await bench.server();
    const floor = await bench.floor('put-and-echo', join(await bench.folder(), 'puts'));
    const uploads = bench.size(2_000, 20);
    const figures = await interleaved(
      bench.size(5, 1),
      () => typicalMs(server.url, uploads),
      () => typicalMs(floor.url, uploads),
    );
    return [{ work: 'upload, one writer, p50', unit: 'ms', ...figures, reach: { atMost: 4 } }];
  },
};

export const upload64: Benchmark = {
  about: '64 writers on sockets of their own, one project, beside the same floor (its puts share fsyncs)',
  async run(bench) {
    const server = await bench.server();
    const floor = await bench.floor('put-and-echo', join(await bench.folder(), 'puts'));
    const durationMs = bench.size(3_000, 100);
    const figures = await interleaved(
      bench.size(5, 1),
      () => uploadsPerSecond(server.url, durationMs),
      () => uploadsPerSecond(floor.url, durationMs),
    );
    return [{ work: `upload, ${writers} writers`, unit: 'uploads/s', ...figures, reach: { atLeast: 0.7 } }];
  },
};

const project = 'upload';
const writers = 64;

async function typicalMs(url: string, uploads: number): Promise<number> {
  const socket = await FrameSocket.open(url, '/ws');
  const took: number[] = [];
  for (let i = 0; i < uploads; i++) {
    const frame = uploadFrame(project, `${i}`);
    const startedMs = performance.now();
    await storeOne(socket, frame);
    took.push(performance.now() - startedMs);
  }
  socket.close();
  return medianOf(took);
}

async function uploadsPerSecond(url: string, durationMs: number): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: writers }, () => FrameSocket.open(url, '/ws')));
  const startedMs = performance.now();
  let uploads = 0;
  const write = async (socket: FrameSocket): Promise<void> => {
    for (let i = 0; performance.now() - startedMs < durationMs; i++) {
      await storeOne(socket, uploadFrame(project, `${i}`));
      uploads++;
    }
  };
  await Promise.all(sockets.map(write));
  const seconds = (performance.now() - startedMs) / 1000;
  for (const socket of sockets) socket.close();
  return uploads / seconds;
}

async function storeOne(socket: FrameSocket, frame: Buffer): Promise<void> {
  const answer = await socket.ask(frame);
  if (answer.includes('"type":"error"')) throw new Error(answer.toString());
}
