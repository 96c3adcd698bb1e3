// A supervisor in ten lines of shell: it holds a listening socket as file descriptor 3 and hands it to one server after
// another, by systemd's protocol.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const entry = fileURLToPath(new URL('../../bin/rejoin.js', import.meta.url));
const script = `
while read -r line; do
  sh -c 'echo "pid $$"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' sh "$@" </dev/null
  echo "ended $?"
done`;

export class Supervisor {
  private output = '';
  private starts = 0;
  private ends = 0;

  private constructor(
    /** Of the socket, which listens from now on. */
    readonly port: number,
    private readonly shell: ChildProcess,
  ) {
    const read = (chunk: Buffer): void => void (this.output += chunk.toString());
    shell.stdout?.on('data', read);
    shell.stderr?.on('data', read);
  }

  /** @param flags of every server that is started. */
  static async open(host: string, flags: readonly string[]): Promise<Supervisor> {
    const socket = createServer().listen(0, host);
    await once(socket, 'listening');
    const address = socket.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const stdio = ['pipe', 'pipe', 'pipe', fdOf(socket)] as const;
    const shell = spawn('sh', ['-c', script, 'sh', process.execPath, entry, ...flags], { stdio: [...stdio] });
    await once(shell, 'spawn');
    socket.close(); // the shell has one of its own
    return new Supervisor(port, shell);
  }

  /** Everything that the servers said. */
  get said(): string {
    return this.output;
  }

  /** Starts a server. Resolves with its process id when it answers. */
  async start(): Promise<number> {
    const before = this.output.length;
    this.starts++;
    this.shell.stdin?.write('go\n');
    await until(
      'the server is ready or has ended',
      () => this.output.slice(before).includes('listening on') || this.countEnds() === this.starts,
    );
    return this.lastPid;
  }

  /** Waits until the server that runs has ended. @returns its exit code. */
  async ended(): Promise<number> {
    this.ends++;
    await until('the server has ended', () => this.countEnds() >= this.ends);
    return Number([...this.output.matchAll(/^ended (\d+)$/gm)].at(-1)?.[1]);
  }

  /** Ends, and so does the server that still runs. */
  async close(): Promise<void> {
    const exited = once(this.shell, 'exit');
    this.shell.stdin?.end();
    if (this.countEnds() < this.starts) process.kill(this.lastPid, 'SIGKILL');
    await exited;
  }

  private get lastPid(): number {
    return Number([...this.output.matchAll(/^pid (\d+)$/gm)].at(-1)?.[1]);
  }

  private countEnds(): number {
    return this.output.match(/^ended \d+$/gm)?.length ?? 0;
  }
}

/** Node has no public name for it; where it has none at all, there is nothing to hand over. */
function fdOf(socket: object): number {
  const { _handle: handle } = socket as { _handle?: { fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0)
    throw new Error('this system gives sockets no file descriptor');
  return handle.fd;
}
