// `rejoin import` and `rejoin export` when they are cut off, write to a pipe, or have a terminal to show progress on.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejoinEntry, runDone, runRejoin } from '../support/run-rejoin.ts';
import { spawnRejoin } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { testUnless } from '../support/test-unless.ts';

const test = suite<{ folder: string }>('import and export, interrupted');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

test('a file that is there is replaced as a whole; a pipe and a reader that leaves are fine', async ({
  folder,
}) => {
  const samples = Array.from({ length: 20_000 }, (_, i) => ({ document: `document ${i}` }));
  const text = JSON.stringify({ samples });
  await runDone(['import', '-', '--format', 'json', '--project', 'p'], folder, text);
  await writeFile(join(folder, 'out.udt.json'), 'x'.repeat(3_000_000));
  await runDone(['export', 'p', 'out.udt.json'], folder);
  assert.is(await readFile(join(folder, 'out.udt.json'), 'utf8'), text + '\n');
  const line = `'${process.execPath}' '${rejoinEntry}' export p /dev/stdout --format json | cat`;
  assert.is(spawnSync('sh', ['-c', line], { cwd: folder, encoding: 'utf8' }).stdout, text + '\n');
  assert.equal(readdirSync(folder).sort(), ['data', 'out.udt.json']);

  const child = spawnRejoin(['export', 'p'], { cwd: folder });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child, 'close');
  assert.is(child.exitCode, 0);
  assert.is(stderr, '');
});

test('an import that is killed leaves all or nothing, and the next one works', async ({ folder }) => {
  const samples = Array.from({ length: 10_000 }, (_, i) => ({ document: `document ${i}` }));
  const text = JSON.stringify({ samples });
  await writeFile(join(folder, 'large.udt.json'), text);
  for (const [i, signal] of (['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGKILL'] as const).entries()) {
    const child = spawnRejoin(['import', 'large.udt.json', '--project', `p${i}`], { cwd: folder });
    const ended = once(child, 'close');
    await new Promise((resolve) => setTimeout(resolve, 400 + i * 200)); // wherever that is
    child.kill(signal);
    await ended;
    if (!existsSync(join(folder, 'data', 'db'))) continue;
    const { code, stdout, stderr } = await runRejoin(['export', `p${i}`], { cwd: folder });
    if (code === 0) assert.is(stdout, text + '\n');
    else assert.match(stderr, `There is no project "p${i}"`);
  }
  await runDone(['import', 'large.udt.json', '--project', 'last', '--quiet'], folder);
  assert.is(await runDone(['export', 'last'], folder), text + '\n');
});

test('an export that is ended leaves no part of a file', async ({ folder }) => {
  const samples = Array.from({ length: 10_000 }, (_, i) => ({ document: `document ${i}` }));
  await runDone(['import', '-', '--format', 'json', '--project', 'p'], folder, JSON.stringify({ samples }));
  const child = spawnRejoin(['export', 'p', 'out.udt.csv'], { cwd: folder });
  const ended = once(child, 'close');
  const files = (): string[] => readdirSync(folder).filter((name) => name.startsWith('out'));
  while (files().length === 0 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 1));
  child.kill('SIGTERM');
  await ended;
  assert.ok(
    files().every((name) => name === 'out.udt.csv'),
    files().join(),
  );
});

const terminal = suite('import at a terminal');

testUnless(
  spawnSync('script', ['-V']).status === 0 ? null : 'there is no `script` to make a terminal',
  terminal,
  'a terminal sees progress on standard error, unless --quiet',
  async () => {
    const folder = await temporaryFolder();
    const file = fileURLToPath(new URL('../../data/samples/TextClassification.udt.json', import.meta.url));
    const run = async (more: string): Promise<string> => {
      const command = `'${process.execPath}' '${rejoinEntry}' import '${file}' ${more} > '${folder}/out'`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: folder,
        env: { ...process.env, CI: '', TERM: 'xterm' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      await once(child, 'close');
      return shown;
    };
    assert.match(await run(''), /Reading .*Understanding .*Making the session/s);
    assert.match(await readFile(join(folder, 'out'), 'utf8'), /^rejoin .* imported /);
    assert.is(await run('--quiet'), '');
    assert.match(await readFile(join(folder, 'out'), 'utf8'), /^s[a-z0-9]{20}\n$/);
    await removeFolder(folder);
  },
);

test.run();
terminal.run();
