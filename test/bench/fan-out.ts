// One writer on `/ws` whose entries go to many readers of the same project, beside a bare `ws` server that broadcasts the
// same bytes at every message of its writer.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { interleaved, type Benchmark, type Row } from './benchmark.ts';
import { FrameSocket, clientFrame } from './frame-socket.ts';
import { uploadFrame } from './sample-data.ts';
import type { Workbench } from './workbench.ts';

export const fanOut: Benchmark = {
  about:
    'uploads of one writer until all readers on `/ws` have them, beside a bare `ws` broadcast of the same bytes',
  async run(bench) {
    const rows: Row[] = [];
    for (const readers of bench.isQuick ? [5] : [50, 500])
      for (const entries of [1, 100]) rows.push(await fanOutTo(bench, readers, entries));
    return rows;
  },
};

const project = 'fan-out';
/** So many are on their way to the readers at most: what is measured is not how much can wait for them. */
const uploadsInFlight = 16;
const entriesInFlight = 200;

async function fanOutTo(bench: Workbench, readers: number, entries: number): Promise<Row> {
  const server = await bench.server();
  const ours = await Audience.gather(server.url, readers);
  await ours.ask(
    clientFrame(JSON.stringify({ type: 'subscribe', mux_id: 1, project_id: project, entries: '*' })),
  );
  const framesFile = join(await bench.folder(), 'frames.json');
  await writeFile(framesFile, JSON.stringify(await ours.framesOf(uploadFrame(project, 'sample', entries))));
  const floor = await bench.floor('broadcast', framesFile);
  const theirs = await Audience.gather(floor.url, readers);

  const uploads = Math.max(4, Math.floor(bench.size(200_000, 500) / readers / entries));
  const perSecond = (audience: Audience) => (): Promise<number> =>
    audience.messagesPerSecond(
      Array.from({ length: uploads }, (_, index) => uploadFrame(project, `${index}`, entries)),
      entries,
    );
  const figures = await interleaved(bench.size(5, 1), perSecond(ours), perSecond(theirs));
  ours.leave();
  theirs.leave();
  await server.kill('SIGTERM');
  await floor.stop();
  const work = `fan-out to ${readers}, uploads of ${entries === 1 ? 'one entry' : `${entries} entries`}`;
  bench.say(work);
  return { work, unit: 'messages/s', ...figures, reach: { atLeast: 0.8 } };
}

/** A writer, and readers on sockets of their own. */
class Audience {
  private received = 0;
  private expected = 0;
  private onAll: () => void = () => undefined;

  private constructor(
    private readonly writer: FrameSocket,
    private readonly readers: readonly FrameSocket[],
  ) {
    for (const reader of readers) reader.onFrame = () => this.receive();
  }

  static async gather(url: string, count: number): Promise<Audience> {
    const writer = await FrameSocket.open(url, '/ws?writer');
    const readers: FrameSocket[] = [];
    while (readers.length < count) readers.push(await FrameSocket.open(url, '/ws'));
    return new Audience(writer, readers);
  }

  /** Has every reader ask, and waits for the answers. */
  async ask(frame: Uint8Array): Promise<void> {
    for (const reader of this.readers) {
      const before = this.received;
      reader.send(frame);
      await reader.until(() => this.received > before);
    }
  }

  /** Has one upload sent to all. @returns what one reader hears of it. */
  async framesOf(upload: Uint8Array): Promise<string[]> {
    const heard: string[] = [];
    const [reader] = this.readers;
    if (!reader) throw new Error('nobody reads');
    reader.onFrame = (payload) => heard.push(payload.toString());
    this.writer.send(upload);
    await reader.until(() => heard.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500)); // the rest of the upload, at every reader
    reader.onFrame = () => this.receive();
    return heard;
  }

  async messagesPerSecond(uploads: readonly Uint8Array[], entries: number): Promise<number> {
    const perUpload = entries * this.readers.length;
    const inFlight = Math.min(uploadsInFlight, entriesInFlight / entries);
    const first = this.received;
    const startedMs = performance.now();
    for (const [index, upload] of uploads.entries()) {
      await this.reach(first + (index - inFlight + 1) * perUpload);
      this.writer.send(upload);
    }
    await this.reach(first + uploads.length * perUpload);
    return (uploads.length * perUpload) / ((performance.now() - startedMs) / 1000);
  }

  /** Waits until readers have received so many messages. */
  private async reach(messages: number): Promise<void> {
    if (this.received >= messages) return;
    this.expected = messages;
    const all = new Promise<void>((resolve) => (this.onAll = resolve));
    // It fails if the server closes the writer's socket.
    await Promise.race([all, this.writer.until(() => this.received >= messages)]);
  }

  leave(): void {
    for (const socket of [this.writer, ...this.readers]) socket.close();
  }

  private receive(): void {
    if (++this.received === this.expected) this.onAll();
  }
}
