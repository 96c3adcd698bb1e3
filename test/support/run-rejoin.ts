// Runs a command of `rejoin`, from the build, to its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd: string;
  /** Beside the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads from standard input; nothing unless given. */
  readonly input?: string | Uint8Array;
}

const withinMs = 60_000;
const entry = fileURLToPath(new URL('../../bin/rejoin.js', import.meta.url));

export async function runRejoin(args: readonly string[], { cwd, env, input }: RunOptions): Promise<Run> {
  const child = spawn(process.execPath, [entry, ...args], { cwd, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(input ?? '');
  const late = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await once(child, 'close');
  clearTimeout(late);
  return { code: child.exitCode, stdout, stderr };
}
