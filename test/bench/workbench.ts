// The processes and folders of one benchmark: the built server, its floors, and what they leave behind. Everything that
// was started here ends with it, by its own pid.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scriptArguments } from '../support/script-arguments.ts';
import { spawnRejoin, startProcess, type ServerProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

/** A floor that serves until it is stopped. */
export interface FloorProcess {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export class Workbench {
  private readonly children: ChildProcess[] = [];
  private readonly folders: string[] = [];

  private constructor(
    /** Small sizes: shows that the benchmark works, not how fast anything is. */
    readonly isQuick: boolean,
    /** Says how far the benchmark is. */
    readonly say: (line: string) => void,
  ) {}

  static async use<T>(
    options: { isQuick: boolean; say: (line: string) => void },
    work: (bench: Workbench) => Promise<T>,
  ): Promise<T> {
    const bench = new Workbench(options.isQuick, options.say);
    try {
      return await work(bench);
    } finally {
      await bench.end();
    }
  }

  /** The size for a full run, or that for a quick one. */
  size(full: number, quick: number): number {
    return this.isQuick ? quick : full;
  }

  async folder(): Promise<string> {
    const folder = await temporaryFolder();
    this.folders.push(folder);
    return folder;
  }

  /** The built server, over a new folder unless one is given. */
  async server(
    options: { data?: string; flags?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): Promise<ServerProcess> {
    const data = options.data ?? (await this.folder());
    const flags = ['--log-level', 'error', ...(options.flags ?? [])];
    const server = await startProcess(data, { flags, ...(options.env && { env: options.env }) });
    this.children.push(server.child);
    return server;
  }

  /** Starts `floors/NAME.ts` and waits for its address. */
  async floor(name: string, ...args: readonly string[]): Promise<FloorProcess> {
    const child = this.spawnScript(`floors/${name}`, args);
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const ready = /listening on (http:\/\/\S+)/.exec(output);
        if (ready?.[1] !== undefined) resolve(ready[1]);
      });
      child.on('exit', (code) => reject(new Error(`the floor ${name} ended with ${code ?? 'a signal'}`)));
    });
    return { url, pid: child.pid ?? 0, stop: () => stopped(child) };
  }

  /** Runs `floors/NAME.ts` to its end. @returns the figures that it prints as JSON. */
  floorFigures(name: string, ...args: readonly string[]): Promise<Record<string, number>> {
    return this.figures(`floors/${name}`, ...args);
  }

  /** Runs `NAME.ts` beside this file to its end. @returns the figures that it prints as JSON. */
  async figures(name: string, ...args: readonly string[]): Promise<Record<string, number>> {
    const child = this.spawnScript(name, args);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${name} ended with ${code ?? 'a signal'}`);
    return JSON.parse(output) as Record<string, number>;
  }

  private spawnScript(name: string, args: readonly string[]): ChildProcess {
    const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const child = spawn(process.execPath, [...scriptArguments(script), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.push(child);
    return child;
  }

  private async end(): Promise<void> {
    await Promise.all(this.children.map((child) => stopped(child)));
    await Promise.all(this.folders.map((folder) => removeFolder(folder)));
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The memory that a process has in RAM. Bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}

export async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names.map(async (name) => {
      const stats = await stat(join(folder, name));
      return stats.isFile() ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Whether this build of the server has a flag. */
export async function hasFlag(flag: string): Promise<boolean> {
  const child = spawnRejoin(['serve', '--help']);
  let help = '';
  child.stdout.on('data', (chunk: Buffer) => (help += chunk.toString()));
  await once(child, 'close');
  return new RegExp(`${flag}\\b`).test(help);
}
