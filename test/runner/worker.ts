// Runs test files one after the other, in one process or each in a process of its own, and prints what came of them.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledName, compiledVariable } from '../support/script-arguments.ts';
import { FileProcess, type FileRun } from './file-process.ts';
import { withOriginalPlaces } from './original-places.ts';
import { notesIn, outcomeOf, type Outcome } from './outcome.ts';

export interface WorkerOptions {
  /** The folder of what is compiled. */
  readonly compiled: string;
  /** A path for a file of its own. */
  readonly outputPath: string;
  readonly fileTimeoutMs: number;
  readonly print: (text: string) => void;
}

/** The process that runs files, by its name among what is compiled. */
export const processScript = 'files-in-turn.ts';

export class Worker {
  private process: FileProcess | undefined;
  /** What has run in the process, in this order. */
  private ran: readonly string[] = [];

  constructor(private readonly options: WorkerOptions) {}

  /** In the process of the file before it, unless that is gone. */
  async run(file: string): Promise<Outcome> {
    const startedMs = Date.now();
    const before = this.ran;
    const run = await this.runInProcess(file);
    if (run.isGone) await this.endProcess();
    return this.report(file, run, Date.now() - startedMs, before);
  }

  /** In a process that runs no other file. */
  async runAlone(file: string): Promise<Outcome> {
    const startedMs = Date.now();
    await this.endProcess();
    const run = await this.runInProcess(file);
    const lastCode = await this.endProcess();
    return this.report(
      file,
      { ...run, exitCode: run.exitCode === 0 ? lastCode : run.exitCode },
      Date.now() - startedMs,
    );
  }

  /** Ends what is still there. @returns a failure if that ends badly after all files in it have ended. */
  async close(): Promise<Outcome> {
    const { ran } = this;
    const exitCode = await this.endProcess();
    if (exitCode !== 0)
      this.options.print(`FAILED the process of ${ran.join(', ')} ended with ${exitCode ?? 'a signal'}`);
    return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
  }

  private runInProcess(file: string): Promise<FileRun> {
    const { compiled, outputPath, fileTimeoutMs } = this.options;
    this.process ??= new FileProcess(join(compiled, compiledName(processScript)), outputPath, {
      ...process.env,
      [compiledVariable]: compiled,
    });
    this.ran = [...this.ran, file];
    return this.process.run(pathToFileURL(join(compiled, compiledName(file))).href, fileTimeoutMs);
  }

  /** @returns its exit code, 0 if there is none. */
  private async endProcess(): Promise<number | null> {
    const exitCode = this.process ? await this.process.close(this.options.fileTimeoutMs) : 0;
    this.process = undefined;
    this.ran = [];
    return exitCode;
  }

  /** @param before what ran in the same process. */
  private report(file: string, run: FileRun, ms: number, before: readonly string[] = []): Outcome {
    const { print, fileTimeoutMs } = this.options;
    const outcome = outcomeOf(run.output, run.exitCode === 0 && !run.isGone);
    const { passed, failed, total } = outcome;
    print(`${failed > 0 ? 'FAILED' : 'ok    '} ${file}  ${passed}/${total}  ${(ms / 1000).toFixed(1)} s`);
    const notes = notesIn(run.output);
    if (failed === 0) {
      if (notes.length > 0) print(notes.map((line) => `         ${line}`).join('\n'));
      return outcome;
    }
    print(withOriginalPlaces(run.output));
    if (run.wasLate) print(`ended after ${fileTimeoutMs} ms`);
    else if (run.isGone) print(`its process ended in the middle, with ${run.exitCode ?? 'a signal'}`);
    if (before.length > 0) print(`in the same process before it: ${before.join(', ')}`);
    return outcome;
  }
}
