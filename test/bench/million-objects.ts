// One project of a million objects on `/ws`: all of its history, what resuming costs near its end, and the stream of one
// small report among them.

import { randomUUID } from 'node:crypto';
import { medianOf, compared, interleaved, printed, type Benchmark, type Row } from './benchmark.ts';
import { longestDelayMs } from './event-loop-delay.ts';
import { FrameSocket, clientFrame } from './frame-socket.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { Workbench } from './workbench.ts';

const large = 'large';
const small = 'small';
const wantedReport = 'the-wanted-report';
const wantedRows = 100;

export const millionObjects: Benchmark = {
  about:
    'one large project on `/ws`, its whole history and the memory that it takes, resuming at several places, and the rows of ' +
    'one report among the others (beside a project that has these rows alone)',
  async run(bench) {
    const objects = bench.size(1_000_000, 2_000);
    const data = await bench.folder();
    const builder = await bench.server({ data });
    await build(builder.url, objects);
    const head = await headOf(builder.url);
    await builder.kill('SIGTERM');
    bench.say(`${objects} entries written`);

    const { url, child } = await bench.server({ data });
    const since = (left: number): Since => [[head.serverId, head.seqno - left]];
    const rows: Row[] = [];
    const memoryOfServer = new MemoryWatch(child.pid);
    await fetched(url, whole(since(objects / 10)));
    const peakOfTenth = memoryOfServer.peakBytes;
    await longestDelayMs(url); // it counts from the last time that it was asked
    for (const [place, left] of [
      ['0 %', objects],
      ['50 %', objects / 2],
      ['99.9 %', objects / 1_000],
    ] as const) {
      const { ms, frames } = await fetched(url, whole(since(left)));
      if (frames !== left + 1) throw new Error(`${frames} frames for ${left} objects`);
      rows.push(printed(`${objects} objects, from ${place} on`, 'ms', [ms]));
      rows.push(printed(`${objects} objects, from ${place} on`, 'rows/s', [(left / ms) * 1_000]));
    }
    rows.push(printed('longest event loop delay meanwhile', 'ms', await longestDelayMs(url)));
    const peak = memoryOfServer.peakBytes;
    memoryOfServer.end();
    if (peak !== null && peakOfTenth !== null) {
      const megabytes = compared([[peak / 1e6, peakOfTenth / 1e6]]);
      const work =
        'peak memory of the server, without mapped files, beside that after a tenth of the history';
      rows.push({ work, unit: 'MB', ...megabytes, reach: { atMost: 1.2 } });
    }
    const follower = await bench.figures('follower', url, large, String(objects));
    const { peakBytes = NaN, peakOfTenthBytes = NaN, ms = NaN } = follower;
    const memory = compared([[peakBytes / 1e6, peakOfTenthBytes / 1e6]]);
    const work = 'peak memory of client.follow, beside that after a tenth of the history';
    rows.push({ work, unit: 'MB', ...memory, reach: { atMost: 1.2 } });
    rows.push(printed('client.follow, all of it', 'rows/s', [(objects / ms) * 1_000]));

    const rounds = bench.size(5, 1);
    const nearHead = await interleaved(
      rounds,
      () => typicalMs(bench, url, whole(since(10)), 11),
      () => typicalMs(bench, url, { ...whole([[head.serverId, wantedRows - 10]]), project_id: small }, 11),
    );
    const beside = `beside a project of ${wantedRows}`;
    rows.push({ work: `resume for the last 10, ${beside}`, unit: 'ms', ...nearHead, reach: { atMost: 1.5 } });
    const filtered = await interleaved(
      rounds,
      () => typicalMs(bench, url, oneReport(large), wantedRows + 1),
      () => typicalMs(bench, url, oneReport(small), wantedRows + 1),
    );
    rows.push({
      work: `a report of ${wantedRows} rows, ${beside}`,
      unit: 'ms',
      ...filtered,
      reach: { atMost: 2 },
    });
    return rows;
  },
};

type Since = readonly (readonly [serverId: number, seqno: number])[];

interface Fetch {
  readonly project_id?: string;
  readonly [field: string]: unknown;
}

function whole(since: Since): Fetch {
  return { project_id: large, since, entries: '*', threads: '*', comments: '*' };
}

function oneReport(project: string): Fetch {
  return { project, entries: { since: [], match: 'report', value: wantedReport } };
}

/** The large project, with the wanted rows all over it, and the small one with these alone. */
async function build(url: string, objects: number): Promise<void> {
  const socket = await FrameSocket.open(url, '/ws');
  const perUpload = 2_000;
  const everyNth = Math.ceil(objects / wantedRows);
  const reports = Array.from({ length: 1_000 }, () => randomUUID());
  for (let first = 0; first < objects; first += perUpload) {
    const entries = Array.from({ length: Math.min(perUpload, objects - first) }, (_, i) => {
      const at = first + i;
      const isWanted = at % everyNth === (Math.floor(at / everyNth) * 7_919) % everyNth;
      return newEntry(large, isWanted ? wantedReport : (reports[at % reports.length] ?? ''));
    });
    await store(socket, entries);
  }
  await store(
    socket,
    Array.from({ length: wantedRows }, () => newEntry(small, wantedReport)),
  );
  socket.close();
}

async function store(socket: FrameSocket, objects: readonly unknown[]): Promise<void> {
  const answer = await socket.ask(clientFrame(JSON.stringify({ type: 'upload', mux_id: 'up', objects })));
  if (!answer.includes('"uploaded"')) throw new Error(answer.toString());
}

function newEntry(project: string, report: string): Record<string, unknown> {
  return {
    type: 'newentry',
    project_id: project,
    report_uuid: report,
    entry_uuid: randomUUID(),
    version_uuid: randomUUID(),
    clip_id: 'A001_C004_0517QX',
    content: { camera: 'A', lens: '32 mm', filter: 'ND 0.6', comment: 'second take, good for sound' },
    modifies: null,
    reason: null,
    archivetime: null,
    authortime: '2024-05-17T09:30:00.000Z',
  };
}

async function headOf(url: string): Promise<{ serverId: number; seqno: number }> {
  const socket = await FrameSocket.open(url, '/ws');
  const sync = await socket.ask(clientFrame(JSON.stringify({ type: 'fetch', mux_id: 1, project_id: large })));
  socket.close();
  const { since } = JSON.parse(sync.toString()) as { since: [number, number][] };
  const [serverId = 0, seqno = 0] = since[0] ?? [];
  return { serverId, seqno };
}

/** How long a fetch takes on a new socket, and how many frames it brings, its `sync` too. */
async function fetched(url: string, request: Fetch): Promise<{ ms: number; frames: number }> {
  const socket = await FrameSocket.open(url, '/ws');
  const result = await fetchedOn(socket, request);
  socket.close();
  return result;
}

async function fetchedOn(socket: FrameSocket, request: Fetch): Promise<{ ms: number; frames: number }> {
  let frames = 0;
  let isSynced = false;
  socket.onFrame = (payload) => {
    frames++;
    isSynced = payload.length < 1_000 && payload.includes('"type":"sync"');
  };
  const startedMs = performance.now();
  socket.send(clientFrame(JSON.stringify({ type: 'fetch', mux_id: 'all', ...request })));
  await socket.until(() => isSynced);
  return { ms: performance.now() - startedMs, frames };
}

async function typicalMs(
  bench: Workbench,
  url: string,
  request: Fetch,
  framesWanted: number,
): Promise<number> {
  const socket = await FrameSocket.open(url, '/ws');
  const took: number[] = [];
  for (let i = 0; i < bench.size(50, 3); i++) {
    const { ms, frames } = await fetchedOn(socket, request);
    if (frames !== framesWanted) throw new Error(`${frames} frames, not ${framesWanted}`);
    took.push(ms);
  }
  socket.close();
  return medianOf(took);
}
