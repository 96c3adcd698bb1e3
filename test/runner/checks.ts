// The checks of the sources, as scripts of package.json: the formatter, the linter, the types. `npm run check` runs them, and `npm test` beside
// the tests.

import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** The first one takes as long as all others together, on one core: they leave it one. */
const [longest, ...others] = ['check:lint', 'check:types', 'check:format'] as const;

/** Runs them beside each other; all have their say, also when one has failed. @returns whether all passed. */
export async function runChecks(): Promise<boolean> {
  const passed = await Promise.all([
    runScript(longest, { givesWay: false }),
    ...others.map((script) => runScript(script, { givesWay: true })),
  ]);
  return passed.every(Boolean);
}

/** Shows what a script says when it has ended. @returns whether it passed. */
export async function runScript(
  script: string,
  { givesWay }: { readonly givesWay: boolean },
): Promise<boolean> {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (givesWay && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${script}`);
  if (output !== '') process.stdout.write(output);
  return code === 0;
}
