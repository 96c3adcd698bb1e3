// The operator's commands as processes: delete, purge, backup, restore and verify, with and without a server, and killed in
// the middle. It takes long.

import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isThere } from '../../src/store/is-there.ts';
import { pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { runDone, runRejoin, type Run } from '../support/run-rejoin.ts';
import { seededPrng } from '../support/seed.ts';
import { spawnRejoin, startProcess, startServer } from '../support/server.ts';
import { newEntry } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const operator = suite<{ cwd: string }>('operator');

operator.before.each(async (context) => {
  context.cwd = await temporaryFolder();
});
operator.after.each(({ cwd }) => removeFolder(cwd));

/** A data folder that a server has filled, and that nobody has open. */
async function fillFolder(data: string, entries: number, bytes = 10): Promise<number> {
  const server = await startServer({ data });
  for (let i = 0; i < entries; i++)
    await uploadTo(server.url, 'film', [newEntry('film', { content: { take: 'x'.repeat(bytes) } })]);
  await server.stop();
  return server.serverId;
}

async function refused(args: readonly string[], cwd: string): Promise<Run> {
  const run = await runRejoin(args, { cwd });
  assert.is.not(run.code, 0, args.join(' '));
  assert.is(run.stderr.trim().split('\n').length, 1, run.stderr);
  return run;
}

operator(
  'REP-14 a project is deleted, comes back, and is purged, in a folder that nobody has open',
  async ({ cwd }) => {
    await fillFolder(join(cwd, 'data'), 2);
    const deleted = await runDone(['delete', 'film', '--data', 'data'], cwd);
    assert.match(deleted, /deleted film: its 2 changes are kept/);
    assert.match(deleted, /rejoin delete film --undelete --data data\n.*rejoin purge film --data data\n/);
    assert.match(await runDone(['delete', 'film', '--undelete'], cwd), /brought film back, with 2 changes/);
    for (const purge of [
      ['purge', 'film'],
      ['purge', 'film', '--yes'],
    ]) {
      const tooSoon = await refused(purge, cwd);
      assert.is(tooSoon.code, 1, purge.join(' '));
      assert.match(tooSoon.stderr, /The project "film" is not deleted/);
    }
    await runDone(['delete', 'film'], cwd);
    const careful = await refused(['purge', 'film'], cwd);
    assert.is(careful.code, 2);
    assert.match(careful.stderr, /removes the project "film" for good, .*: 2 changes, .*add --yes/);
    assert.match(await runDone(['purge', 'film', '--yes'], cwd), /removed film for good: \d+ entries/);
    const twice = await refused(['purge', 'film'], cwd);
    assert.is(twice.code, 1);
    assert.match(twice.stderr, /removed for good already/);
    const late = await refused(['delete', 'film', '--undelete'], cwd);
    assert.match(late.stderr, /deleted for good/);
    assert.match((await refused(['verify', '--data', 'none'], cwd)).stderr, /There is no database in none/);
  },
);

operator(
  'REP-8 of three folders backed up under load each goes on as a server of its own',
  async ({ cwd }) => {
    const uuidOfNumber = new Map<string, string>();
    for (let folder = 0; folder < 3; folder++) {
      const server = await startProcess(join(cwd, `data${folder}`));
      const acknowledged: string[] = [];
      const load = { isOn: true };
      const writing = Promise.all(
        [0, 1, 2].map(async () => {
          while (load.isOn) {
            acknowledged.push(await upload(server.url));
            await sleep(5);
          }
        }),
      );
      while (acknowledged.length < 10) await sleep(5);
      const before = [...acknowledged];
      const said = await runDone(['backup', `backup${folder}`, '--data', `data${folder}`], cwd);
      assert.match(said, /backed up data\d: 1 project, \d+ changes, the newest from/);
      load.isOn = false;
      await writing;
      const restored = await runDone(['restore', `backup${folder}`, '--data', `restored${folder}`], cwd);
      const again = await startServer({ data: join(cwd, `restored${folder}`) });
      await upload(again.url); // under a number of its own
      const [ours, theirs] = [await numbersOf(server), await numbersOf(again)];
      for (const uuid of before)
        assert.ok([...theirs.values()].includes(uuid), 'acknowledged before the backup');
      for (const [number, uuid] of [...ours, ...theirs]) {
        assert.is(uuidOfNumber.get(number) ?? uuid, uuid, `${number} has two contents`);
        uuidOfNumber.set(number, uuid);
      }
      const [, newId] = /server id +(\d+)/.exec(restored) ?? [];
      assert.ok([...theirs.keys()].some((number) => number.startsWith(`${newId} `)));
      await Promise.all([server.kill('SIGTERM'), again.stop()]);
    }
  },
);

async function upload(url: string): Promise<string> {
  const entry = newEntry('film');
  await uploadTo(url, 'film', [entry]);
  return entry.version_uuid;
}

/** Server id and seqno → uuid. */
async function numbersOf({ url }: { readonly url: string }): Promise<Map<string, string>> {
  const response = await fetch(`${url}/api${pathOf('film', '/changes?live=false')}`);
  const numbers = new Map<string, string>();
  for (const line of (await response.text()).trim().split('\n')) {
    const change = JSON.parse(line) as { srv_id?: number; seqno?: number; version_uuid?: string };
    const { srv_id: server, seqno, version_uuid: uuid } = change;
    if (uuid !== undefined) numbers.set(`${server} ${seqno}`, uuid);
  }
  return numbers;
}

operator('kill -9 in the middle of a backup leaves a whole one, or none', async ({ cwd }) => {
  await fillFolder(join(cwd, 'data'), 12, 400_000);
  const isKilled = await killOnce(['backup', 'b'], cwd, () => isThere(join(cwd, 'b', 'db.partial')));
  if (await isThere(join(cwd, 'b', 'db'))) {
    assert.match(await runDone(['restore', 'b', '--data', 'x'], cwd), / 12 changes/);
    return;
  }
  assert.ok(isKilled);
  assert.match((await refused(['restore', 'b', '--data', 'x'], cwd)).stderr, /There is no backup in b/);
  assert.match((await refused(['backup', 'b'], cwd)).stderr, /was left there by a backup that was cut off/);
});

operator(
  'commands tell of a restore that was cut off as the start does, and where what was there is',
  async ({ cwd }) => {
    const kept = join('data', 'replaced', '2026-11-23T02-17-22.470Z');
    await mkdir(join(cwd, 'data', 'restoring', 'db'), { recursive: true });
    await mkdir(join(cwd, kept, 'db'), { recursive: true });
    for (const command of [['verify'], ['backup', 'b'], ['delete', 'film'], ['serve', '--port', '0']]) {
      const told = (await refused(command, cwd)).stderr;
      assert.match(told, /A restore into the data folder \S+ was cut off: run it again/, command[0]);
      assert.ok(told.includes(`what was there is kept in ${kept}`) || told.includes(join(cwd, kept)), told);
    }
  },
);

operator('REP-8 kill -9 in the middle of a restore: it is run again', async ({ cwd }) => {
  const serverId = await fillFolder(join(cwd, 'data'), 12, 400_000);
  await runDone(['backup', 'b'], cwd);
  await killOnce(['restore', 'b', '--data', 'x'], cwd, () => isThere(join(cwd, 'x', 'restoring')));
  if (!(await isThere(join(cwd, 'x', 'db'))))
    assert.match(
      (await refused(['verify', '--data', 'x'], cwd)).stderr,
      /A restore into .*x was cut off: run it again/,
    );
  const again = await runDone(['restore', 'b', '--data', 'x', '--replace'], cwd);
  assert.match(again, new RegExp(`12 changes[^]*it was ${serverId}`));
  assert.match(await runDone(['verify', '--data', 'x'], cwd), /all is whole/);
  assert.not.ok((await readdir(join(cwd, 'x'))).includes('restoring'));
});

operator('REP-14 kill -9 in the middle of a purge: it is gone on with', async ({ cwd }) => {
  const random = seededPrng('kill a purge');
  await fillFolder(join(cwd, 'data'), 300);
  await runDone(['delete', 'film'], cwd);
  const delayMs = prng.int32(random, 0, 40);
  // The pid file is there while the folder is open.
  await killOnce(['purge', 'film', '--yes'], cwd, () => isThere(join(cwd, 'data', 'rejoin.pid')), delayMs);
  const server = await startProcess(join(cwd, 'data'));
  const undelete = await rest(server.url, pathOf('film', '/undelete'), { method: 'POST' });
  assert.ok([200, 410].includes(undelete.status));
  if (undelete.status === 200) assert.is(undelete.body['position'], 300); // it had not begun
  assert.match(await runDone(['verify'], cwd), /all is whole/);
  await server.kill('SIGTERM');
});

/** @returns whether it was killed; else it was faster. */
async function killOnce(
  args: readonly string[],
  cwd: string,
  isTime: () => Promise<boolean>,
  delayMs = 0,
): Promise<boolean> {
  const child = spawnRejoin(args, { cwd });
  const ended = once(child, 'exit');
  for (let looks = 0; looks < 20_000 && child.exitCode === null && !(await isTime()); looks++) await sleep(2);
  await sleep(delayMs);
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  return signal === 'SIGKILL';
}

/** One bit in the middle of its log is flipped. */
async function damage(data: string): Promise<void> {
  const database = join(data, 'db');
  const log = join(database, (await readdir(database)).find((name) => name.endsWith('.log')) ?? '');
  const bytes = await readFile(log);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >>> 1) ^ 1, bytes.length >>> 1);
  await writeFile(log, bytes);
}

operator(
  'what is restored from a damaged folder, or mended in one without a trace, is told by the exit code',
  async ({ cwd }) => {
    await fillFolder(join(cwd, 'data'), 20, 200);
    await damage(join(cwd, 'data'));
    const restored = await runRejoin(['restore', 'data', '--data', 'anew'], { cwd });
    assert.match(restored.stdout, /restored data into anew/);
    assert.is(restored.code, 1);
    assert.match(restored.stderr, /What was restored was damaged, so that changes may be missing/);
    await removeFolder(join(cwd, 'data', 'witness')); // nobody knows any more how far the log went
    const mended = await runRejoin(['verify', '--repair'], { cwd });
    assert.match(mended.stdout, /what the damage has left is whole/);
    assert.is(mended.code, 1);
    assert.match(
      mended.stderr,
      /files of the database were damaged and are mended, but changes may be missing/,
    );
    assert.match(await runDone(['verify'], cwd), /all is whole/);
  },
);

operator('a damaged folder is backed up, and it is said that something may be missing', async ({ cwd }) => {
  await fillFolder(join(cwd, 'data'), 20, 200);
  await damage(join(cwd, 'data'));
  const run = await runRejoin(['backup', 'b'], { cwd });
  assert.is(run.code, 1);
  assert.match(run.stdout, /backed up/);
  assert.match(run.stderr, /The backup is made, but the files of the database were damaged/);
  // By now they are mended, and what is lost is still wanted.
  const looked = await runRejoin(['verify'], { cwd });
  assert.is(looked.code, 1);
  assert.match(looked.stderr, /--repair notes what is lost, and then a server with --peer fetches back/);
  const noted = await runRejoin(['verify', '--repair'], { cwd });
  assert.match(noted.stderr, /it is noted, and a server with --peer fetches back/);
});

operator('the commands go through the server that has the folder', async ({ cwd }) => {
  const server = await startProcess(join(cwd, 'data'));
  await upload(server.url);
  await runDone(['delete', 'film'], cwd);
  assert.is((await rest(server.url, pathOf('film'))).status, 410);
  await runDone(['purge', 'film', '--yes'], cwd);
  assert.is((await rest(server.url, pathOf('film'))).status, 410);
  assert.match((await refused(['restore', 'data', '--data', 'x'], cwd)).stderr, /make a backup of it/);
  // A killed server's control file confuses nobody.
  await server.kill('SIGKILL');
  assert.ok(await isThere(join(cwd, 'data', 'control.json')));
  assert.match(await runDone(['verify'], cwd), /all is whole/);
});

operator.run();
