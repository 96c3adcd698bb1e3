// Opening a document that the server doesn't have in memory: how long until a fresh client has it, what memory that
// takes, and what is on disk before and after compaction.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as Y from 'yjs';
import { compared, printed, type Benchmark, type Row } from './benchmark.ts';
import { folderBytes, hasFlag, residentBytes, type Workbench } from './workbench.ts';
import {
  documentOfMegabytes,
  documentOfSmallUpdates,
  joinOverYjs,
  writeOverYjs,
  type WrittenDocument,
} from './yjs-data.ts';

export const open: Benchmark = {
  about:
    'a server started anew, until a fresh `/yjs` client has the whole document, beside `Y.applyUpdate` of one ' +
    'merged update in a bare process; memory is what the process grew by',
  async run(bench) {
    const updates = bench.size(100_000, 500);
    const rows = await openings(bench, `open, ${updates} small updates`, documentOfSmallUpdates(updates));
    if (bench.isQuick) return rows; // the other document goes the same way
    const megabytes = 20;
    return [...rows, ...(await openings(bench, `open, ${megabytes} MB`, documentOfMegabytes(megabytes)))];
  },
};

async function openings(bench: Workbench, work: string, written: WrittenDocument): Promise<Row[]> {
  const data = await bench.folder();
  const builder = await bench.server({ data });
  await writeOverYjs(builder.url, written);
  await builder.kill('SIGTERM');
  const bytesWritten = await folderBytes(data);
  bench.say(`${work}: written`);
  await settle(bench, data, written.project, []);
  const merged = join(await bench.folder(), 'merged');
  await writeFile(merged, Y.encodeStateAsUpdate(written.doc));

  const times: [number, number][] = [];
  const memory: [number, number][] = [];
  for (let round = 0; round < bench.size(5, 1); round++) {
    const opened = await openOnce(bench, data, written);
    const floor = await bench.floorFigures('apply-update', merged);
    times.push([opened.ms, floor.ms ?? NaN]);
    memory.push([opened.bytes / megabyte, (floor.bytes ?? NaN) / megabyte]);
  }
  const rows = [
    { work, unit: 'ms', ...compared(times), reach: { atMost: 1.3 } },
    { work: `${work}: memory`, unit: 'MB', ...compared(memory), reach: { atMost: 1.5 } },
    printed(`${work}: on disk, all updates kept`, 'MB', [bytesWritten / megabyte]),
  ];
  return [...rows, await compacted(bench, `${work}: on disk, compacted`, data, written.project)];
}

const megabyte = 1024 * 1024;

async function openOnce(
  bench: Workbench,
  data: string,
  { project, doc }: WrittenDocument,
): Promise<{ ms: number; bytes: number }> {
  const server = await bench.server({ data });
  const pid = server.child.pid ?? 0;
  const before = await residentBytes(pid);
  const { ms, update } = await joinOverYjs(server.url, project);
  await sleep(bench.size(500, 10));
  const bytes = (await residentBytes(pid)) - before;
  await server.kill('SIGTERM');
  const read = new Y.Doc();
  Y.applyUpdate(read, update);
  if (!Y.equalSnapshots(Y.snapshot(read), Y.snapshot(doc))) throw new Error('the document came back wrong');
  return { ms, bytes };
}

/** Lets the server do what it does in the background, and stops it. */
async function settle(
  bench: Workbench,
  data: string,
  project: string,
  flags: readonly string[],
): Promise<void> {
  const server = await bench.server({ data, flags });
  await joinOverYjs(server.url, project);
  await sleep(bench.size(5_000, 20));
  await server.kill('SIGTERM');
}

async function compacted(bench: Workbench, work: string, data: string, project: string): Promise<Row> {
  if (!(await hasFlag('--keep-updates'))) return printed(work, 'MB', []);
  await settle(bench, data, project, ['--keep-updates', '0s']);
  return printed(work, 'MB', [(await folderBytes(data)) / megabyte]);
}
