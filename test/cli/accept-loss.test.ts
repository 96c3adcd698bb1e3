// `rejoin accept-loss` as a process: in a folder that nobody has open, and through the server that has it.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProjectKeys } from '../../src/store/keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { codeOf, pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { runDone, runRejoin, type Run } from '../support/run-rejoin.ts';
import { startProcess, startServer } from '../support/server.ts';
import { newEntry } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite<{ cwd: string; data: string }>('accept-loss');

test.before.each(async (context) => {
  context.cwd = await temporaryFolder();
  context.data = join(context.cwd, 'data');
});
test.after.each(({ cwd }) => removeFolder(cwd));

/** Five entries of a project, of which the third is damaged. @returns the version uuids of the others. */
async function damagedFolder(data: string): Promise<string[]> {
  const server = await startServer({ data });
  const uuids: string[] = [];
  for (let entries = 0; entries < 5; entries++) {
    const entry = newEntry('film');
    uuids.push(entry.version_uuid);
    await uploadTo(server.url, 'film', [entry]);
  }
  await uploadTo(server.url, 'whole', [newEntry('whole')]);
  await server.stop();
  const store = await LevelStore.open(join(data, 'db'));
  const key = new ProjectKeys('film').record(3);
  const record = Buffer.from((await store.get(key)) ?? []);
  record[record.length - 3]! ^= 4;
  await store.write([{ key, value: record }]);
  await store.close();
  return uuids.filter((_, index) => index !== 2);
}

async function refused(args: readonly string[], cwd: string, code: number): Promise<Run> {
  const run = await runRejoin(args, { cwd });
  assert.is(run.code, code, `${args.join(' ')}: ${run.stderr}`);
  return run;
}

async function documentOf(url: string): Promise<string[]> {
  const { status, body } = await rest(url, pathOf('film', '/document'));
  assert.is(status, 200, JSON.stringify(body));
  const { entries } = body['document'] as { readonly entries: object };
  return Object.keys(entries).sort();
}

async function lookedAt(cwd: string): Promise<void> {
  const { stdout, stderr } = await refused(['accept-loss', 'film'], cwd, 2);
  assert.match(stdout, /^project "film", position 3, \[\d+, 3\]: the change is damaged: /);
  assert.match(stdout, /looked at film in \.\/data: 1 change lost/);
  assert.match(stdout, /the document +is without them/);
  assert.match(stdout, /builds on them +2 more changes, from .* UTC to .* UTC: /);
  assert.match(stdout, /of these stay +2 objects /);
  assert.match(stdout, /stays +2 changes\n/);
  assert.match(stdout, /try first +a server that may have them: .*--peer URL/);
  assert.match(
    stderr,
    /rejoin: This gives up 1 change of the project "film" for good\. If that is meant, add --yes\n$/,
  );
}

test('in a folder that nobody has open', async ({ cwd, data }) => {
  const uuids = await damagedFolder(data);
  assert.match((await refused(['verify'], cwd, 1)).stdout, /1 finding/);
  await lookedAt(cwd);
  await lookedAt(cwd); // nothing was changed
  const { code, stdout } = await runRejoin(['accept-loss', 'film', '--yes'], { cwd });
  assert.is(code, 0);
  assert.match(stdout, /gave up 1 change of film in \.\/data\n/);
  assert.match(stdout, /new numbers +2 changes: clients are sent them again/);
  assert.match(await runDone(['verify'], cwd), /all is whole/);
  const again = await refused(['accept-loss', 'film', '--yes'], cwd, 1);
  assert.match(again.stderr, /The project "film" has lost nothing\n$/);
  const server = await startServer({ data });
  assert.equal(await documentOf(server.url), [...uuids].sort());
  await server.stop();
});

test('through the server that has the folder', async ({ cwd, data }) => {
  const uuids = await damagedFolder(data);
  const server = await startProcess(data);
  assert.is(codeOf(await rest(server.url, pathOf('film', '/document'))), 'damaged');
  await lookedAt(cwd);
  assert.match(await runDone(['accept-loss', 'film', '--yes'], cwd), /gave up 1 change of film/);
  assert.match(server.output(), /"type":"loss-accepted"/);
  assert.equal(await documentOf(server.url), [...uuids].sort());
  assert.match(await runDone(['verify'], cwd), /all is whole/);
  const entry = newEntry('film');
  await uploadTo(server.url, 'film', [entry]);
  assert.equal(await documentOf(server.url), [...uuids, entry.version_uuid].sort());
  await server.kill('SIGKILL');
  assert.match(await runDone(['verify'], cwd), /all is whole/);
});

test('what is not there, whole or deleted is refused in a sentence', async ({ cwd, data }) => {
  await damagedFolder(data);
  for (const yes of [[], ['--yes']]) {
    assert.match((await refused(['accept-loss', 'none', ...yes], cwd, 1)).stderr, /no project "none" here/);
    assert.match(
      (await refused(['accept-loss', 'whole', ...yes], cwd, 1)).stderr,
      /"whole" has lost nothing/,
    );
  }
  await runDone(['delete', 'whole'], cwd);
  assert.match((await refused(['accept-loss', 'whole', '--yes'], cwd, 1)).stderr, /"whole" was deleted/);
  assert.match(
    (await refused(['accept-loss', '--yes'], cwd, 2)).stderr,
    /missing required argument 'project'/,
  );
});

test.run();
