// What `npm test` prints and counts: of tests that fail, and of files that end badly, never, or without a test.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runFiles } from './runner/run-files.ts';
import { shownAfter } from './runner/shown-after.ts';
import { removeFolder, temporaryFolder } from './support/temporary.ts';

const test = suite<{ folder: string }>('run');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

const passes = "one('passes', () => {});";

test('what fails, throws, exits, waits for nothing or has no test is counted under its name', async ({
  folder,
}) => {
  await writeTests(folder, {
    'a-passes': `${passes} console.log('seed of a: 7'); console.log('noise of a');`,
    'b-fails': `${passes} one('fails', () => { console.log('noise of b'); throw new Error('that went wrong'); });`,
    'c-throws': `${passes} throw new Error('thrown outside');`,
    'd-exits': "one('exits', () => process.exit(0));",
    'e-waits': "one('waits', () => new Promise(() => {}));",
    'f-imports': 'await new Promise(() => {});',
    'g-none': '',
    'h-late': `${passes} setTimeout(() => { throw new Error('thrown late'); }, 1);`,
    'i-before': `one.before(() => { throw new Error('no'); }); ${passes}`,
    'j-code': `${passes} process.on('exit', () => (process.exitCode = 3));`,
    'k-after': `${passes} setInterval(() => {}, 10).unref();`,
  });
  const { exitCode, printed } = await run(folder);
  assert.is(exitCode, 1);
  assert.equal(statesIn(printed), [
    'ok a-passes 1/1',
    'FAILED b-fails 1/2',
    'FAILED c-throws 0/0',
    'FAILED d-exits 0/0',
    'FAILED e-waits 0/0',
    'FAILED f-imports 0/0',
    'FAILED g-none 0/0',
    'FAILED h-late 1/1',
    'FAILED i-before 0/1',
    'ok j-code 1/1',
    'ok k-after 1/1',
  ]);
  assert.match(printed, /^ {9}seed of a: 7$/m);
  assert.not.match(printed, 'noise of a');
  assert.match(printed, /noise of b[^]*FAIL[^]*"fails"[^]*that went wrong[^]*b-fails\.test\.ts:\d/);
  assert.match(printed, /in the same process before it: a-passes\.test\.ts$/m);
  assert.match(printed, /thrown outside[^]*c-throws\.test\.ts:\d/);
  assert.match(printed, 'thrown late');
  assert.match(
    printed,
    /^FAILED the process of i-before\.test\.ts, j-code\.test\.ts, k-after\.test\.ts ended with 3$/m,
  );
  assert.ok(printed.endsWith('\n11 files\n5 passed, 9 failed'), printed.slice(-100));
});

test('files that do not end are killed at their limit, one after the other', async ({ folder }) => {
  await writeTests(folder, {
    'a-works': "one('works', () => { for (;;); });",
    'b-waits': "one('waits', () => new Promise(() => setInterval(() => {}, 1_000)));",
    'c-open': `${passes} setInterval(() => {}, 1_000);`,
  });
  const { exitCode, printed } = await run(folder, { fileTimeoutMs: 1_000 });
  assert.is(exitCode, 1);
  assert.equal(
    statesIn(printed).map((state) => state.replace(/ \d.*/, '')),
    ['FAILED a-works', 'FAILED b-waits', 'FAILED c-open'],
  );
  assert.is(printed.match(/^ended after 1000 ms$/gm)?.length, 3);
  assert.match(printed, / passed, 3 failed$/);
});

test('a file of which a test has failed does not stay for what it left open; the next one gets a new process', async ({
  folder,
}) => {
  await writeTests(folder, {
    'a-open': `${passes} one('fails', () => { setInterval(() => {}, 1_000); throw new Error('that went wrong'); });`,
    'b-next': passes,
  });
  const limitMs = 60_000;
  const { exitCode, printed } = await run(folder, { fileTimeoutMs: limitMs });
  assert.is(exitCode, 1);
  assert.equal(statesIn(printed), ['FAILED a-open 1/2', 'ok b-next 1/1']);
  assert.match(printed, 'that went wrong');
  assert.match(printed, /^ended: \d+ ms after its last test something was still open/m);
  assert.not.match(printed, `ended after ${limitMs} ms`);
  assert.ok(printed.endsWith('\n2 files\n2 passed, 1 failed'));
});

test('parts of names choose files; what is left out is counted', async ({ folder }) => {
  await writeTests(folder, {
    'a-one': `${passes} one['skip']('for a reason'); console.log('skipped: for a reason');`,
    'b-two': passes,
    'c-three': "throw new Error('not this one');",
  });
  const { exitCode, printed } = await run(folder, { parts: ['a-o', 'two'] });
  assert.is(exitCode, 0);
  assert.equal(statesIn(printed), ['ok a-one 1/1', 'ok b-two 1/1']);
  assert.match(printed, /^ {9}skipped: for a reason$/m);
  assert.ok(printed.endsWith('\n2 files\n2 passed, 0 failed, 1 skipped'));
  const none = await run(folder, { parts: ['four'] });
  assert.is(none.exitCode, 1);
  assert.is(none.printed.trim(), '0 files\n0 passed, 1 failed');
});

test('files share a process unless their opening comment says otherwise; long ones start first', async ({
  folder,
}) => {
  const mark = "globalThis.marks = [...(globalThis.marks ?? []), 'NAME'];";
  const body = `${mark} ${passes} console.log('seed of NAME:', globalThis.marks.join(' '), process.pid);`;
  const opening = '// Some words. Runs in a\n// process of its own, since it must.\n';
  await writeTests(folder, {
    'a-shared': body.replaceAll('NAME', 'a'),
    'b-alone': [opening, body.replaceAll('NAME', 'b')],
    'c-shared': body.replaceAll('NAME', 'c'),
    'd-long': ['// It takes long.\n', body.replaceAll('NAME', 'd')],
    'e-ends-badly': [opening, `${passes} process.on('exit', () => (process.exitCode = 3));`],
  });
  const { exitCode, printed } = await run(folder);
  assert.is(exitCode, 1);
  const seen = [...printed.matchAll(/seed of \w: ([\w ]+) (\d+)$/gm)];
  assert.equal(
    seen.map(([, marks]) => marks),
    ['d', 'b', 'a', 'a c'],
  );
  const [long, alone, shared, next] = seen.map(([, , pid]) => pid);
  assert.is(new Set([long, alone, shared]).size, 3);
  assert.is(next, shared);
  assert.match(printed, /^FAILED e-ends-badly\.test\.ts {2}1\/1/m);
  assert.ok(printed.endsWith('\n5 files\n5 passed, 1 failed'));
});

test('beside checks: what the tests print is shown when these have passed, and not at all when one has failed', async () => {
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const ends: ((hasPassed: boolean) => void)[] = [];
  const checks = (): Promise<boolean> => new Promise((resolve) => ends.push(resolve));
  const work = async (say: (text: string) => void): Promise<0> => {
    say('ok a');
    await passed;
    say('ok b');
    return 0;
  };
  const passed = checks();
  const shown = shownAfter(passed, work, print);
  assert.equal(printed, []);
  ends[0]?.(true);
  assert.is(await shown, 0);
  assert.equal(printed, ['ok a', 'ok b']);

  const neverEnding = (say: (text: string) => void): Promise<0> => {
    say('ok c');
    return new Promise(() => undefined);
  };
  assert.is(await shownAfter(Promise.resolve(false), neverEnding, print), 1);
  assert.equal(printed, ['ok a', 'ok b']);
  assert.is(await shownAfter(Promise.resolve(true), () => Promise.resolve(1), print), 1);
});

/** Files by name: what their only suite, `one`, is made of, with an opening comment before it or none. */
async function writeTests(
  folder: string,
  files: Readonly<Record<string, string | readonly [opening: string, body: string]>>,
): Promise<void> {
  for (const [name, file] of Object.entries(files)) {
    const [opening, body] = typeof file === 'string' ? ['', file] : file;
    const text = `${opening}\nimport { suite } from 'uvu';\nconst one = suite();\n${body}\none.run();\n`;
    await writeFile(join(folder, `${name}.test.ts`), text);
  }
}

async function run(
  folder: string,
  { parts = [] as readonly string[], fileTimeoutMs = 60_000 } = {},
): Promise<{ exitCode: number; printed: string }> {
  const lines: string[] = [];
  const print = (text: string): void => void lines.push(text);
  const exitCode = await runFiles({ folder, parts, parallel: 1, fileTimeoutMs, print });
  return { exitCode, printed: lines.join('\n').replace(/\u001b\[\d+m/g, '') };
}

/** Each file's line, without how long it took. */
function statesIn(printed: string): string[] {
  return [...printed.matchAll(/^(ok|FAILED) +(\S+)\.test\.ts {2}(\d+\/\d+)/gm)].map(
    ([, state, name, counts]) => [state, name, counts].join(' '),
  );
}

test.run();
