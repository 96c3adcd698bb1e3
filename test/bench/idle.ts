// The memory that an idle WebSocket takes at the server, beside bare `ws`.

import { setTimeout as sleep } from 'node:timers/promises';
import { interleaved, type Benchmark, type Row } from './benchmark.ts';
import { FrameSocket, clientFrame } from './frame-socket.ts';
import { residentBytes, type Workbench } from './workbench.ts';

export const idle: Benchmark = {
  about: 'memory per idle connection (a subscriber on `/ws`, a joined client on `/yjs`), beside bare `ws`',
  async run(bench) {
    return [
      await memoryOf(bench, 'idle on /ws', '/ws', subscribe),
      await memoryOf(bench, 'idle on /yjs', '/yjs/idle', null),
    ];
  },
};

const subscribe = clientFrame(
  JSON.stringify({ type: 'subscribe', mux_id: 'all', project_id: 'idle', since: [], entries: '*' }),
);

async function memoryOf(
  bench: Workbench,
  work: string,
  target: string,
  greeting: Buffer | null,
): Promise<Row> {
  const connections = bench.size(2_000, 20);
  const perConnection = async (pid: number, url: string): Promise<number> => {
    const before = await settledBytes(bench, pid);
    const sockets: FrameSocket[] = [];
    while (sockets.length < connections) {
      const some = Math.min(50, connections - sockets.length);
      const opened = await Promise.all(Array.from({ length: some }, () => FrameSocket.open(url, target)));
      if (greeting) for (const socket of opened) socket.send(greeting);
      sockets.push(...opened);
    }
    const after = await settledBytes(bench, pid);
    for (const socket of sockets) socket.close();
    return (after - before) / connections / 1024;
  };
  // Fresh processes each time: what a process had once, it takes again without growing.
  const figures = await interleaved(
    bench.size(3, 1),
    async () => {
      const server = await bench.server();
      const bytes = await perConnection(server.child.pid ?? 0, server.url);
      await server.kill('SIGKILL');
      return bytes;
    },
    async () => {
      const floor = await bench.floor('bare-sockets');
      const bytes = await perConnection(floor.pid, floor.url);
      await floor.stop();
      return bytes;
    },
  );
  bench.say(`${work} done`);
  return { work: `${work}, ${connections} connections`, unit: 'kB each', ...figures, reach: { atMost: 1.5 } };
}

async function settledBytes(bench: Workbench, pid: number): Promise<number> {
  await sleep(bench.size(1_500, 50));
  return residentBytes(pid);
}
