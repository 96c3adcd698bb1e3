// `rejoin tail` as a process that goes on: what it says, line by line, until it is ended.

import { once } from 'node:events';
import type { JsonObject } from '../../src/model/json.ts';
import { spawnRejoin } from './server.ts';
import { until } from './until.ts';

export class RunningTail {
  stdout = '';
  stderr = '';
  private readonly child: ReturnType<typeof spawnRejoin>;
  private readonly ended: Promise<unknown>;

  constructor(args: readonly string[]) {
    this.child = spawnRejoin(['tail', ...args]);
    this.ended = once(this.child, 'close');
    this.child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** With --json: the changes, without what says that the history is complete. */
  get changes(): JsonObject[] {
    return this.lines.map((line) => JSON.parse(line) as JsonObject).filter(({ type }) => type !== 'sync');
  }

  async shows(what: string, holds: () => boolean): Promise<void> {
    await until(what, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended before ${what}: ${this.stderr}`);
      return holds();
    });
  }

  /** @returns its exit code; null when the signal ended it, which it should not. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    await this.ended;
    return this.child.exitCode;
  }
}
