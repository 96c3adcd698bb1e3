// Runs the checks of the sources beside each other (`npm run check`): the formatter, the linter, the types; and further scripts of
// package.json that the arguments name (`npm test` builds meanwhile). What one of them says is shown when it has ended; all
// have their say, also when one has failed.

import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** The first one takes as long as all others together, on one core: they leave it one. */
const [longest, ...others] = ['check:lint', 'check:types', 'check:format', ...process.argv.slice(2)] as const;

async function main(): Promise<void> {
  const codes = await Promise.all([run(longest, false), ...others.map((script) => run(script, true))]);
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
}

/** Runs a script of package.json. @returns its exit code, or null when a signal ended it. */
async function run(script: string, givesWay: boolean): Promise<number | null> {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (givesWay && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${script}`);
  if (output !== '') process.stdout.write(output);
  return code;
}

await main();
