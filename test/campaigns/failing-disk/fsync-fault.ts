// Makes a process's calls of fsync and fdatasync fail with EIO, from when it is told until it is told to end: strace comes to
// the running process and leaves it. The fsync-error campaign uses it.

import { spawn, type ChildProcess } from 'node:child_process';

const calls = 'fdatasync,fsync';

export class FsyncFault {
  private said = '';
  private hasEnded = false;
  /** Resolves when the calls fail. */
  readonly hasBegun: Promise<null>;
  /** Resolves with why they don't, if strace ends by itself. */
  readonly problem: Promise<string>;
  private readonly ended: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8');
    this.hasBegun = new Promise((resolve) => {
      child.stderr?.on('data', (text: string) => {
        this.said += text;
        if (/ attached/.test(this.said)) resolve(null);
      });
    });
    this.problem = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', () => resolve(this.said.trim().split('\n').at(-1) ?? ''));
    });
    this.ended = this.problem.then(() => undefined);
  }

  static begin(pid: number | undefined): FsyncFault {
    const fault = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`];
    const args = ['-f', '-o', '/dev/null', ...fault, '-p', String(pid)];
    return new FsyncFault(spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] }));
  }

  /** Resolves when the calls work again. */
  async end(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGINT');
    this.hasEnded = true;
    await this.ended;
  }
}
