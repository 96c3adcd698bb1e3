// Runs a command of `rejoin`, from the build, to its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

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
/** The entry that users run. */
export const rejoinEntry = fileURLToPath(new URL('../../bin/rejoin.js', import.meta.url));

export async function runRejoin(args: readonly string[], { cwd, env, input }: RunOptions): Promise<Run> {
  const child = spawn(process.execPath, [rejoinEntry, ...args], { cwd, env: { ...process.env, ...env } });
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

/** Ends well and says nothing on standard error. @returns standard output. */
export async function runDone(args: readonly string[], cwd: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await runRejoin(args, { cwd, ...(input !== undefined && { input }) });
  assert.is(stderr, '', args.join(' '));
  assert.is(code, 0);
  return stdout;
}
