// Runs every test file in a process of its own, some at a time, and adds up what uvu says of each. A file that runs no
// test, doesn't end, or ends badly has failed. Arguments choose files by a part of their names.

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTests } from './support/compile-tests.ts';
import { withOriginalPlaces } from './support/original-places.ts';
import { compiledName, compiledVariable } from './support/script-arguments.ts';

const testFolder = fileURLToPath(new URL('.', import.meta.url));
const fileTimeoutMs = 480_000;
/** Files wait for servers, disks and timers part of their time: one more than there are cores keeps these busy. */
const parallel = availableParallelism() + 1;
/** What a file's opening comment says so that it starts first: a long one that starts last would run alone. */
const longMark = 'takes long';

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const files = testFiles().filter(
    (file) => wanted.length === 0 || wanted.some((part) => file.includes(part)),
  );
  const longFiles = files.filter(saysItTakesLong);
  const waiting = [...longFiles, ...files.filter((file) => !longFiles.includes(file))];
  const compiled = await compileTests(testFolder, [...files, ...scripts()]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      outcomes.push(await runFile(file, compiled));
  };
  await Promise.all(Array.from({ length: parallel }, work));

  const sum = (of: keyof Outcome): number => outcomes.reduce((total, outcome) => total + outcome[of], 0);
  const failed = files.length === 0 ? 1 : sum('failed');
  const skipped = sum('skipped');
  console.log(`\n${files.length} files`);
  console.log(`${sum('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Every `*.test.ts`, by its path from here. */
function testFiles(): string[] {
  return readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(testFolder, join(testFolder, name)))
    .sort();
}

/** What tests start as processes of their own. */
function scripts(): string[] {
  const floors = readdirSync(join(testFolder, 'bench/floors')).map((name) => `bench/floors/${name}`);
  return [...floors, 'bench/follower.ts', 'campaigns/client-kill/writing-client.ts'];
}

/** Looks at the comment that the file begins with. */
function saysItTakesLong(file: string): boolean {
  const [opening = ''] = readFileSync(join(testFolder, file), 'utf8').split('\n\n', 1);
  return opening.includes(longMark);
}

/** @param compiled the folder of what is compiled */
async function runFile(file: string, compiled: string): Promise<Outcome> {
  const startedMs = Date.now();
  const child = spawn(process.execPath, [join(compiled, compiledName(file))], {
    env: { ...process.env, [compiledVariable]: compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const late = setTimeout(() => child.kill('SIGKILL'), fileTimeoutMs);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(late);

  const total = numberAfter('Total:', output);
  const passed = numberAfter('Passed:', output);
  // uvu swallows what a hook throws: tests that did not run are missing from Passed.
  const skipped = numberAfter('Skipped:', output);
  const failed = Math.max(total - passed, code === 0 && total + skipped > 0 ? 0 : 1);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${failed > 0 ? 'FAILED' : 'ok    '} ${file}  ${passed}/${total}  ${seconds} s`);
  const seeds = output.split('\n').filter((line) => /^(seed of|skipped:) /.test(line));
  if (failed > 0)
    console.log(
      withOriginalPlaces(output) + (code === null ? `\nended after ${fileTimeoutMs} ms or by a signal` : ''),
    );
  else if (seeds.length > 0) console.log(seeds.map((line) => `         ${line}`).join('\n'));
  return { passed, failed, skipped };
}

/** Of the last line that has the label: a test may print such lines of its own. */
function numberAfter(label: string, output: string): number {
  const lines = output.replace(/\u001b\[\d+m/g, '').split('\n');
  const line = lines.findLast((text) => text.trim().startsWith(label));
  return line === undefined ? 0 : Number(line.replace(label, '').trim());
}

await main();
