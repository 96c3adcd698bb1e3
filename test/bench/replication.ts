// Two servers: how fast an empty one gets what the other has, beside the same records scanned, sent and written by nobody in
// particular; and what a link costs on which nothing happens.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProjectKeys } from '../../src/store/keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { metric } from '../support/metrics.ts';
import { startRelay } from '../support/relay.ts';
import { interleaved, printed, type Benchmark, type Row } from './benchmark.ts';
import { openLevel } from './floors/serve.ts';
import { FrameSocket } from './frame-socket.ts';
import { MemoryWatch } from './memory-watch.ts';
import { processorMs } from './process-time.ts';
import { uploadFrame } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const replication: Benchmark = {
  about:
    'changes of one project to an empty peer, one entry each, beside a raw leveldown scan → ws.send → synced batches; and a link ' +
    'on which nothing happens',
  async run(bench) {
    return [...(await catchUp(bench)), ...(await idleLink(bench))];
  },
};

const project = 'replicated';

async function catchUp(bench: Workbench): Promise<Row[]> {
  const changes = bench.size(100_000, 1_000);
  const data = await bench.folder();
  const builder = await bench.server({ data });
  await uploadOneByOne(builder.url, changes);
  await builder.kill('SIGTERM');
  bench.say(`${changes} changes written`);
  const floorFolder = await copyOfRecords(data, await bench.folder(), changes);
  const source = await bench.server({ data });
  const floor = await bench.floor('scan-to-socket', floorFolder, 'binary');
  const memory: { tenth: number; whole: number }[] = [];
  const figures = await interleaved(
    bench.size(5, 1),
    async () => {
      const { perSecond, peakOfTenth, peak } = await received(bench, source.url, changes);
      memory.push({ tenth: peakOfTenth / 1e6, whole: peak / 1e6 });
      return perSecond;
    },
    async () => {
      const folder = join(await bench.folder(), 'db');
      const { perSecond = NaN } = await bench.floorFigures(
        'socket-to-batch',
        floor.url,
        folder,
        String(changes),
      );
      return perSecond;
    },
  );
  const name = `${changes} changes to an empty peer`;
  return [
    { work: name, unit: 'changes/s', ...figures, reach: { atLeast: 0.5 } },
    printed(
      `${name}: peak memory of the receiver after a tenth`,
      'MB',
      memory.map(({ tenth }) => tenth),
    ),
    printed(
      `${name}: peak memory of the receiver`,
      'MB',
      memory.map(({ whole }) => whole),
    ),
  ];
}

/** Each upload is a group of its own, as edits are. */
async function uploadOneByOne(url: string, changes: number): Promise<void> {
  const socket = await FrameSocket.open(url, '/ws');
  const inFlight = 64;
  for (let first = 0; first < changes; first += inFlight) {
    const count = Math.min(inFlight, changes - first);
    let answers = 0;
    socket.onFrame = () => answers++;
    for (let i = 0; i < count; i++) socket.send(uploadFrame(project, `${first + i}`));
    await socket.until(() => answers >= count);
  }
  socket.close();
}

/** A database of the project's records as they are stored, in their order. */
async function copyOfRecords(data: string, to: string, changes: number): Promise<string> {
  const store = await LevelStore.open(join(data, 'db'));
  const folder = join(to, 'records');
  const db = await openLevel(folder);
  let count = 0;
  for await (const page of store.scan(new ProjectKeys(project).allRecords())) {
    const puts = page.map(({ value }) => {
      const key = Buffer.alloc(6);
      key.writeUIntBE(++count, 0, 6);
      return { type: 'put' as const, key, value: Buffer.from(value) };
    });
    await new Promise<void>((resolve, reject) => {
      db.batch(puts, { sync: true }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
  await store.close();
  await new Promise<void>((resolve) => db.close(() => resolve()));
  if (count !== changes) throw new Error(`${count} records of ${changes} changes`);
  return folder;
}

/** An empty server that fetches all, timed from the first change that it has. */
async function received(
  bench: Workbench,
  sourceUrl: string,
  changes: number,
): Promise<{ perSecond: number; peakOfTenth: number; peak: number }> {
  const server = await bench.server({ flags: ['--peer', sourceUrl] });
  const memory = new MemoryWatch(server.child.pid);
  let first: { count: number; atMs: number } | null = null;
  let peakOfTenth = NaN;
  for (let count = 0; count < changes;) {
    count = await metric(server.url, 'rejoin_changes_total');
    if (first === null && count > 0) first = { count, atMs: performance.now() };
    if (Number.isNaN(peakOfTenth) && count >= changes / 10) peakOfTenth = memory.peakBytes ?? NaN;
    await sleep(20);
  }
  const { count = 0, atMs = 0 } = first ?? {};
  const perSecond = ((changes - count) / (performance.now() - atMs)) * 1_000;
  const peak = memory.peakBytes ?? NaN;
  memory.end();
  await server.kill('SIGKILL');
  return { perSecond, peakOfTenth, peak };
}

async function idleLink(bench: Workbench): Promise<Row[]> {
  const projects = bench.size(10_000, 50);
  const source = await bench.server();
  const socket = await FrameSocket.open(source.url, '/ws');
  for (let i = 0; i < projects; i++) await socket.ask(uploadFrame(`p${i}`, `${i}`));
  socket.close();
  const relay = await startRelay(source.url);
  const startedMs = performance.now();
  const other = await bench.server({ flags: ['--peer', relay.url] });
  while ((await metric(other.url, 'rejoin_changes_total')) < projects) await sleep(20);
  const firstMs = performance.now() - startedMs;
  await sleep(bench.size(5_000, 100)); // what follows the last change is over
  const seconds = bench.size(60, 1);
  const before = [relay.bytes, processorMs(source.child.pid), processorMs(other.child.pid)].map(Number);
  await sleep(seconds * 1_000);
  const after = [relay.bytes, processorMs(source.child.pid), processorMs(other.child.pid)].map(Number);
  await relay.close();
  const perMinute = after.map((value, at) => ((value - (before[at] ?? NaN)) / seconds) * 60);
  const [bytes = NaN, sourceMs = NaN, otherMs = NaN] = perMinute;
  const name = `a link over ${projects} projects`;
  return [
    printed(`${name}: until the new one has all`, 'ms', [firstMs]),
    printed(`${name}, idle: bytes a minute`, 'bytes', [bytes]),
    printed(`${name}, idle: processor time a minute, the older server`, 'ms', [sourceMs]),
    printed(`${name}, idle: processor time a minute, the newer one`, 'ms', [otherMs]),
  ];
}
