// A process in which test files run one after the other (test/runner/files-in-turn.ts), seen from the one who starts it. Whatever one
// of them does to the process, the next can have a new one.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';

/** What the process says when a file has ended. */
export interface FileEnd {
  readonly exitCode: number;
}

/** What became of a file. */
export interface FileRun {
  /** What was written on standard output and standard error. */
  readonly output: string;
  /** As of a process of its own; null when a signal ended it. */
  readonly exitCode: number | null;
  /** Its limit was over before it ended. */
  readonly wasLate: boolean;
  /** The process that it ran in is gone: it ended in the middle, or was killed. */
  readonly isGone: boolean;
}

export class FileProcess {
  private readonly child: ChildProcess;
  private readonly gone: Promise<number | null>;
  /** A file, since reading a pipe would not tell which part of the output a test file wrote before it ended. */
  private readonly output: number;

  /**
   * @param script files-in-turn.ts, compiled.
   * @param outputPath of a file to make, in which output is kept.
   */
  constructor(
    script: string,
    private readonly outputPath: string,
    env: NodeJS.ProcessEnv,
  ) {
    this.output = openSync(outputPath, 'a');
    this.child = spawn(process.execPath, [script], {
      env,
      stdio: ['ignore', this.output, this.output, 'ipc'],
    });
    this.child.on('error', () => undefined); // it is gone then, which its exit tells
    this.gone = new Promise((resolve) => this.child.once('exit', resolve));
  }

  /** Resolves when the file has ended, in whatever way: it is killed when that takes too long. @param url of the compiled file */
  async run(url: string, withinMs: number): Promise<FileRun> {
    ftruncateSync(this.output);
    this.child.send(url);
    const { exitCode, isGone, wasLate } = await this.endOrKilled(withinMs);
    return { output: readFileSync(this.outputPath, 'utf8'), exitCode, wasLate, isGone };
  }

  /** Lets the process end. @returns its exit code; null when a signal or the limit ended it. */
  async close(withinMs: number): Promise<number | null> {
    if (this.child.connected) this.child.disconnect();
    const late = setTimeout(() => this.child.kill('SIGKILL'), withinMs);
    const exitCode = await this.gone;
    clearTimeout(late);
    closeSync(this.output);
    return exitCode;
  }

  private async endOrKilled(withinMs: number): Promise<Omit<FileRun, 'output'>> {
    let wasLate = false;
    const late = setTimeout(() => {
      wasLate = true;
      this.child.kill('SIGKILL');
    }, withinMs);
    const ended = new Promise<FileEnd>((resolve) => this.child.once('message', resolve));
    const end = await Promise.race([
      ended.then(({ exitCode }) => ({ exitCode, isGone: false })),
      this.gone.then((exitCode) => ({ exitCode, isGone: true })),
    ]);
    clearTimeout(late);
    this.child.removeAllListeners('message');
    return { ...end, wasLate };
  }
}
