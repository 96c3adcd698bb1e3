// `rejoin import` and `rejoin export` as users meet them: the built program over a data folder, and through a server.
// It takes long.

import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { oddVocabulary, randomObject } from '../support/random-json.ts';
import { runDone, runRejoin, type Run } from '../support/run-rejoin.ts';
import { seededPrng } from '../support/seed.ts';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite<{ folder: string }>('import and export');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

const sampleFolder = fileURLToPath(new URL('../../data/samples/', import.meta.url));
const realFiles = readdirSync(sampleFolder).filter((name) => name.endsWith('.udt.json'));

/** Fails with one sentence, and nothing on standard output. */
function refused({ code, stdout, stderr }: Run, expected: 1 | 2, sentence: RegExp): void {
  assert.match(stderr, sentence);
  assert.is(stdout, '');
  assert.is(code, expected, stderr);
  assert.is(stderr.trim().split('\n').length, 1, stderr);
}

/** What is hard to keep: order of keys, numbers, texts, empty things, depth. */
function hardUdt(): JsonObject {
  const random = seededPrng('import and export');
  const numbers = [1e21, 0.1, -0, 5e-324, 1.7976931348623157e308, -1e-7, 2 ** 53, 123456789012];
  const keys = {
    z: 1,
    a: { y: [], x: {}, '': null },
    '~/': [[], [[]], [{}]],
    constructor: 1,
    'a.b': '\u2028"\\\n\0',
  };
  const samples = Array.from({ length: 200 }, () => randomObject(random, oddVocabulary, 4));
  const deep: JsonObject = JSON.parse(`${'{"d":['.repeat(30)}1${']}'.repeat(30)}`) as JsonObject;
  return {
    name: 'é\u{1f600}',
    samples,
    interface: { numbers, keys, deep },
    empty: '',
    none: null,
    no: false,
  };
}

const negativeZero = (text: string): string => text.replace('[1e+21,0.1,0,', '[1e+21,0.1,-0,');

test('JSON comes out as it went in, byte for byte: values, numbers and the order of keys', async ({
  folder,
}) => {
  const udt = hardUdt();
  const text = negativeZero(JSON.stringify(udt));
  assert.match(text, '0.1,-0,');
  await writeFile(join(folder, 'hard.udt.json'), '\ufeff' + text);
  await runDone(['import', 'hard.udt.json', '--project', 'hard'], folder);
  assert.is(await runDone(['export', 'hard'], folder), text + '\n');
  const pretty = await runDone(['export', 'hard', '-', '--pretty'], folder);
  assert.is(pretty.split('-0').length, 2);
  assert.is(pretty.replace('-0,', '0,'), JSON.stringify(udt, null, '  ') + '\n');
  await runDone(['export', 'hard', 'again.udt.csv'], folder);
  await runDone(['import', 'again.udt.csv', '--project', 'from csv'], folder);
  assert.equal(JSON.parse(await runDone(['export', 'from csv'], folder)), udt);
});

test('the real files, in both forms, from files and from standard input', async ({ folder }) => {
  for (const file of realFiles) {
    const text = await readFile(join(sampleFolder, file), 'utf8');
    const id = file.replace('.udt.json', '');
    const said = await runDone(['import', join(sampleFolder, file), '--project', id], folder);
    assert.match(said, new RegExp(`^rejoin \\S+ imported .*${file}: [23] samples\n +session +${id}\n`));
    assert.match(said, `http://127.0.0.1:6003/?s=${id} (Collaborate, Join a Session)`);
    await runDone(['export', id, 'out.udt.json'], folder);
    assert.equal(JSON.parse(await readFile(join(folder, 'out.udt.json'), 'utf8')), JSON.parse(text));
  }
  const csv = await runDone(['export', 'TextClassification', '--format', 'csv'], folder);
  const other = (await runDone(['import', '-', '--format', 'csv', '--quiet'], folder, csv)).trim();
  assert.match(other, /^s[a-z0-9]{20}$/);
  await runDone(['export', other, 'again.udt.json'], folder);
  const text = await readFile(join(sampleFolder, 'TextClassification.udt.json'), 'utf8');
  assert.equal(JSON.parse(await readFile(join(folder, 'again.udt.json'), 'utf8')), JSON.parse(text));
  assert.equal(readdirSync(folder).sort(), ['again.udt.json', 'data', 'out.udt.json']);
});

test('a server serves what was imported, as a session', async ({ folder }) => {
  const file = join(sampleFolder, 'TextClassification.udt.json');
  const id = (await runDone(['import', file, '--quiet', '--data', folder], folder)).trim();
  const server = await startProcess(folder);
  const reply = await fetch(`${server.url}/api/session/${id}`);
  const { udt_json: udt, version } = (await reply.json()) as { udt_json: unknown; version: number };
  assert.equal(udt, JSON.parse(await readFile(file, 'utf8')));
  assert.is(version, 0);
  await server.kill('SIGTERM');
});

test('while a server has the folder: a sentence that names the way out, and the way out', async ({
  folder,
}) => {
  const file = join(sampleFolder, 'TextClassification.udt.json');
  const udt: unknown = JSON.parse(await readFile(file, 'utf8'));
  const server = await startProcess(join(folder, 'data'));
  const sentence = new RegExp(
    `in use by process ${server.child.pid ?? 0}, .* go through it: --url http://HOST:PORT`,
  );
  refused(await runRejoin(['import', file], { cwd: folder }), 1, sentence);
  refused(await runRejoin(['export', 'x'], { cwd: folder }), 1, sentence);

  const said = await runDone(['import', file, '--url', `${server.url}/`], folder);
  const id = /session +(\S+)/.exec(said)?.[1] ?? '';
  assert.match(said, `${server.url}/?s=${id} (Collaborate`);
  assert.equal(JSON.parse(await runDone(['export', id, '--url', server.url], folder)), udt);
  const env = { REJOIN_URL: server.url };
  const other = await runRejoin(['import', '-', '--format', 'json', '--quiet'], {
    cwd: folder,
    env,
    input: '{"é":[1]}',
  });
  assert.is(other.code, 0, other.stderr);
  const exported = await runRejoin(['export', other.stdout.trim(), 'x.udt.json'], { cwd: folder, env });
  assert.is(exported.code, 0, exported.stderr);
  assert.is(await readFile(join(folder, 'x.udt.json'), 'utf8'), '{"é":[1]}\n');

  // a flag goes before a variable
  refused(
    await runRejoin(['export', 'x', '--data', 'nowhere'], { cwd: folder, env }),
    1,
    /no database in nowhere/,
  );
  const cases: readonly [readonly string[], 1 | 2, RegExp][] = [
    [['export', 'nope', '--url', server.url], 1, /answers 404: Session "nope" Not Found/],
    [['export', '../x', '--url', server.url], 1, /answers 404: Session "..\/x" Not Found/],
    [['import', file, '--url', server.url, '--project', 'x'], 2, /gives the id itself: leave --project out/],
    [['import', file, '--url', server.url, '--data', 'x'], 2, /Give --data or --url, not both/],
    [['import', file, '--url', 'localhost:1'], 2, /--url.*should be a URL such as/],
  ];
  for (const [args, code, expected] of cases) refused(await runRejoin(args, { cwd: folder }), code, expected);
  await server.kill('SIGTERM');
  refused(
    await runRejoin(['export', id, '--url', server.url], { cwd: folder }),
    1,
    /does not answer: .*ECONNREFUSED/,
  );
  assert.equal(JSON.parse(await runDone(['export', id], folder)), udt);
});

test('what a server answers is told, also when it is none of ours', async ({ folder }) => {
  const answers = [
    [413, 'The body is larger than 1024 bytes\n'],
    [200, '<html>hello</html>'],
    [200, '{"short_id":7}'],
    [301, ''],
  ] as const;
  const sentences = [
    /answers 413: The body is larger/,
    /is no rejoin server/,
    /is no rejoin server/,
    /moved to \/there/,
  ];
  for (const [i, [status, body]] of answers.entries()) {
    const server = createServer((_, response) =>
      response.writeHead(status, { Location: '/there' }).end(body),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const args = ['import', '-', '--format', 'json', '--url', url];
    const run = await runRejoin(args, { cwd: folder, input: '{}' });
    server.close();
    refused(run, 1, sentences[i] ?? /./);
  }
});

test('what is wrong is said in one sentence; wrong use ends with 2, failure with 1, and nothing is left behind', async ({
  folder,
}) => {
  await writeFile(join(folder, 'bad.udt.json'), '{"a": 1,\n "b": }');
  await writeFile(join(folder, 'bad.udt.csv'), 'path,document\nsamples.0,"x\n');
  const cases: readonly [readonly string[], 1 | 2, RegExp][] = [
    [['import'], 2, /missing required argument 'file'/],
    [['export'], 2, /missing required argument 'project'/],
    [['import', 'x.udt.json', '--colour'], 2, /unknown option '--colour'/],
    [['import', 'x.udt.json', '--format', 'xml'], 2, /Allowed choices are json, csv/],
    [['import', 'x.txt'], 2, /x\.txt ends in neither \.json nor \.csv: .* --format json or --format csv/],
    [['import', '-'], 2, /Standard input has no name: .* --format/],
    [['export', 'x', 'x.txt'], 2, /x\.txt ends in neither/],
    [['import', 'x.udt.json', '--project', ''], 2, /--project must not be empty/],
    [['import', 'x.udt.json', '--project', 'a\nb'], 2, /--project must not contain/],
    [['import', 'x.udt.json'], 1, /There is no file x\.udt\.json/],
    [
      ['import', 'bad.udt.json'],
      1,
      /^rejoin: bad\.udt\.json is not JSON: line 2, column 7: a value is expected/,
    ],
    [['import', 'bad.udt.csv'], 1, /bad\.udt\.csv is wrong in line 2: a cell begins with a quotation mark/],
    [['export', 'x'], 1, /There is no database in \.\/data: say with --data/],
  ];
  for (const [args, code, sentence] of cases) refused(await runRejoin(args, { cwd: folder }), code, sentence);
  assert.not.ok(existsSync(join(folder, 'data')), 'no data folder was made');

  await runDone(['import', '-', '--format', 'json', '--project', 'once'], folder, '{"a":1}');
  const again = { cwd: folder, input: '{"a":2}' };
  const second = await runRejoin(['import', '-', '--format', 'json', '--project', 'once'], again);
  refused(second, 1, /The project "once" exists already/);
  assert.is(await runDone(['export', 'once'], folder), '{"a":1}\n');
  refused(
    await runRejoin(['export', 'twice'], { cwd: folder }),
    1,
    /There is no project "twice" in \.\/data/,
  );
  const nowhere = await runRejoin(['export', 'once', 'no/such/folder.json'], { cwd: folder });
  refused(nowhere, 1, /no\/such\/folder\.json can't be written: ENOENT/);
});

test.run();
