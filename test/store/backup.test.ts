// Backups: the database of one moment, whole or not there at all. It runs in a process of its own, whose disk it makes fail.

import { promises } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { backUp, type BackupOptions } from '../../src/store/backup.ts';
import { CommitQueue } from '../../src/store/commit-queue.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { seal, sealJson } from '../../src/store/digest.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { formatKey, lifeKey, unfinishedKey } from '../../src/store/store-keys.ts';
import { isThere } from '../../src/store/is-there.ts';
import { LevelStore } from '../../src/store/level.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { dataFormat } from '../../src/store/open-life.ts';
import { restore } from '../../src/store/restore.ts';
import { firstOf, type Entry, type Range, type Store } from '../../src/store/store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  parent: string;
  store: MemoryStore;
  projects: Projects;
}

const backups = suite<Context>('backup');

backups.before.each(async (context) => {
  context.parent = await temporaryFolder();
  context.store = new MemoryStore(new MemoryDisk());
  await context.store.write([
    { key: formatKey, value: sealJson(formatKey, dataFormat) },
    { key: lifeKey, value: sealJson(lifeKey, { ...testLife }) },
  ]);
  context.projects = openProjects(context.store).projects;
  for (const uuid of ['a', 'b', 'c']) await uploadEntry(context.projects, 'p', uuid);
});
backups.after.each(async ({ parent, projects }) => {
  await projects.close();
  await removeFolder(parent);
});

function options(more: Partial<BackupOptions> = {}): BackupOptions {
  return {
    onDamage: (detail) => assert.unreachable(detail),
    stopping: new AbortController().signal,
    ...more,
  };
}

async function hexOf(store: Store, key: Uint8Array): Promise<string> {
  const value = await store.get(key);
  assert.ok(value);
  return Buffer.from(value).toString('hex');
}

async function refusal(work: Promise<unknown>): Promise<RejoinError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RejoinError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

backups('REP-8 a backup is as of one moment, and whoever opens it has a new server id', async (context) => {
  const { parent, store, projects } = context;
  const scan = store.scan.bind(store);
  store.scan = async function* (range: Range): AsyncGenerator<readonly Entry[]> {
    let isFirst = range.limit === undefined;
    for await (const page of scan(range)) {
      for (const entry of page) yield [entry];
      if (isFirst) await uploadEntry(projects, 'p', 'behind the moment');
      isFirst = false;
    }
  };
  const folder = join(parent, 'deep', 'backup');
  const report = await backUp(store, folder, options());
  assert.equal([report.projects, report.changes, report.damaged], [1, 3, 0]);
  assert.equal(await readdir(folder), ['db']);
  store.scan = scan;
  const opened = await openDataFolder(folder, { environment: realEnvironment });
  const keys = new ProjectKeys('p');
  for (const position of [1, 2, 3])
    assert.is(await hexOf(opened.store, keys.record(position)), await hexOf(store, keys.record(position)));
  assert.is(await opened.store.get(keys.record(4)), undefined);
  assert.is.not(opened.life.serverId, testLife.serverId);
  await opened.close();
});

backups('a folder that is not empty is refused and left alone', async ({ parent, store }) => {
  const folder = join(parent, 'full');
  await mkdir(folder);
  await writeFile(join(folder, 'mine'), 'x');
  assert.match((await refusal(backUp(store, folder, options()))).message, /is not empty: name another one/);
  assert.equal(await readdir(folder), ['mine']);
  const cut = join(parent, 'cut');
  await mkdir(join(cut, 'db.partial'), { recursive: true });
  assert.match(
    (await refusal(backUp(store, cut, options()))).message,
    /left there by a backup that was cut off/,
  );
});

backups('a backup that fails or is given up leaves nothing', async ({ parent, store }) => {
  const folder = join(parent, 'failed');
  const stopped = AbortSignal.abort(new RejoinError('unavailable', 'enough'));
  assert.is((await refusal(backUp(store, folder, options({ stopping: stopped })))).message, 'enough');
  const scan = store.scan.bind(store);
  store.scan = (range) => {
    if (range.limit !== undefined) return scan(range);
    return (async function* () {
      for await (const page of scan(range)) yield page;
      throw new RejoinError('unavailable', 'The store was closed during a scan');
    })();
  };
  assert.is((await refusal(backUp(store, folder, options()))).code, 'unavailable');
  await mkdir(folder); // it is gone
  assert.is((await refusal(backUp(store, folder, options()))).code, 'unavailable');
  assert.equal(await readdir(folder), []); // that was there before
});

backups('a backup whose own disk is full says so, names its folder, and leaves nothing', async (context) => {
  const { parent, store } = context;
  const folder = join(parent, 'full');
  const open = LevelStore.open.bind(LevelStore);
  LevelStore.open = async (path) => {
    const target = await open(path);
    const full = new Error('IO error: db/000003.log: No space left on device');
    const commits = new CommitQueue(() => Promise.reject(full));
    target.write = (batch) => commits.write(batch);
    return target;
  };
  try {
    const refused = await refusal(backUp(store, folder, options()));
    assert.is(refused.code, 'data-unusable');
    assert.is(refused.message, `The backup in ${folder} can't be written: the disk is full`);
    assert.not.ok(await isThere(folder));
  } finally {
    LevelStore.open = open;
  }
});

backups('damage is said, and copied as it is', async ({ parent, store }) => {
  const key = new ProjectKeys('p').record(2);
  const value = Buffer.from((await store.get(key)) ?? []);
  value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
  await store.write([{ key, value }]);
  const told: string[] = [];
  const report = await backUp(store, join(parent, 'b'), options({ onDamage: (detail) => told.push(detail) }));
  assert.is(report.damaged, 1);
  assert.is(told.length, 1);
  assert.match(told[0] ?? '', /^project "p", position 2: .* fails the digest/);
  const copy = await LevelStore.open(join(parent, 'b', 'db'));
  assert.is(await hexOf(copy, key), value.toString('hex'));
  await copy.close();
});

backups('a session that is being created is left out', async ({ parent, store }) => {
  const keys = new ProjectKeys('half');
  const mark = unfinishedKey('half');
  await store.write([
    { key: mark, value: seal(mark, new Uint8Array()) },
    { key: keys.topLevelKeys, value: seal(keys.topLevelKeys, Buffer.from('[]')) },
  ]);
  await backUp(store, join(parent, 'b'), options());
  const copy = await LevelStore.open(join(parent, 'b', 'db'));
  assert.is(await copy.get(mark), undefined);
  assert.is(await firstOf(copy, keys.all()), undefined);
  await copy.close();
  assert.ok(await store.get(mark), 'it goes on here');
});

// ---- restore

const restoring = { environment: realEnvironment, isReplacing: false, onProgress: () => undefined };

backups(
  'a backup that has lost its format and server id is restored by what it holds, and its damage is said',
  async ({ parent, store }) => {
    const backup = join(parent, 'backup');
    await backUp(store, backup, options());
    const copy = await LevelStore.open(join(backup, 'db'));
    await copy.write([
      { key: formatKey, value: null },
      { key: lifeKey, value: null },
    ]);
    await copy.close();
    const { warnings, serverId, ...report } = await restore(backup, join(parent, 'data'), restoring);
    assert.equal([report.projects, report.changes, report.isDamaged], [1, 3, true]);
    assert.equal([report.previousServerId, report.replaced], [null, null]);
    const ids = warnings.flatMap((text) => /new server id (\d+)/.exec(text)?.[1] ?? []);
    assert.equal(ids, [String(serverId)], 'one server id is taken and told');
  },
);

backups('REP-8 restoring takes a new server id each time, and keeps what it replaces', async (context) => {
  const { parent, store } = context;
  const backup = join(parent, 'backup');
  const data = join(parent, 'data');
  const opened = await openDataFolder(data, { environment: realEnvironment });
  const older = opened.life.serverId;
  await opened.close();
  await backUp(store, backup, options());
  const refused = await refusal(restore(backup, data, restoring));
  assert.equal([refused.code, /--replace/.test(refused.message)], ['conflict', true]);

  const report = await restore(backup, data, { ...restoring, isReplacing: true });
  assert.equal([report.projects, report.changes, report.warnings], [1, 3, []]);
  assert.ok(report.replaced);
  const again = await openDataFolder(data, { environment: realEnvironment });
  assert.is(again.life.serverId, report.serverId);
  assert.equal(again.warnings, []);
  assert.ok(await again.store.get(new ProjectKeys('p').record(3)));
  await again.close();
  const before = await openDataFolder(report.replaced, { environment: realEnvironment });
  assert.is(before.life.serverId, older); // it was moved, and stays itself
  await before.close();

  const second = await restore(backup, join(parent, 'second'), restoring);
  assert.equal([second.replaced, second.previousServerId], [null, report.previousServerId]);
  assert.is(new Set([second.serverId, report.serverId, older]).size, 3);
});

backups('REP-8 a copied data folder is restored as a backup is', async ({ parent }) => {
  const data = join(parent, 'copied');
  const opened = await openDataFolder(data, { environment: realEnvironment });
  const { projects } = openProjects(opened.store, { life: opened.life, witness: opened.witness });
  await uploadEntry(projects, 'p', 'a');
  await projects.close();
  await opened.close();
  const report = await restore(data, join(parent, 'new'), restoring);
  assert.equal([report.previousServerId, report.changes], [opened.life.serverId, 1]);
  assert.is.not(report.serverId, opened.life.serverId);
  const original = await openDataFolder(data, { environment: realEnvironment });
  assert.is(original.life.serverId, opened.life.serverId);
  await original.close();
});

backups('what can not be restored is said, and leaves all as it was', async ({ parent, store }) => {
  const data = join(parent, 'data');
  assert.is((await refusal(restore(parent, data, restoring))).code, 'not-found');
  const opened = await openDataFolder(data, { environment: realEnvironment });
  assert.is((await refusal(restore(data, join(parent, 'x'), restoring))).code, 'data-in-use');
  const backup = join(parent, 'backup');
  await backUp(store, backup, options());
  const busy = await refusal(restore(backup, data, { ...restoring, isReplacing: true }));
  assert.is(busy.code, 'data-in-use');
  await opened.close();
  assert.is((await refusal(restore(data, data, restoring))).code, 'conflict');
  const foreign = join(parent, 'foreign');
  const other = await LevelStore.open(await mkdir(join(foreign, 'db'), { recursive: true }).then(() => join(foreign, 'db'))); // prettier-ignore
  await other.write([{ key: Buffer.from('x'), value: Buffer.from('y') }]);
  await other.close();
  const refused = await refusal(restore(foreign, data, { ...restoring, isReplacing: true }));
  assert.is(refused.code, 'data-unusable');
  assert.equal((await readdir(data)).sort(), ['db', 'witness']);
  const again = await openDataFolder(data, { environment: realEnvironment });
  assert.is(again.life.serverId, opened.life.serverId);
  await again.close();
});

backups(
  'a folder without a database, or that can not be read, is not restored as an empty one',
  async (context) => {
    const { parent, store } = context;
    const [junk, unread, target] = ['junk', 'unread', 'target'].map((name) => join(parent, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(join(junk, 'db'), { recursive: true });
    await writeFile(join(junk, 'db', 'notes.txt'), 'x');
    const data = join(parent, 'data');
    const none = await refusal(restore(junk, data, restoring));
    assert.is(none.code, 'not-found');
    assert.match(none.message, /no file in .*db is one of a database/);
    await mkdir(unread);
    await writeFile(join(unread, 'db'), 'a file, where no folder can be read');
    const closed = await refusal(restore(unread, data, restoring));
    assert.is(closed.code, 'data-unusable');
    assert.match(closed.message, /The folder .*db can't be read: ENOTDIR/);
    assert.not.ok(await isThere(data));
    // Nor is what can't be read moved away without being asked.
    await backUp(store, join(parent, 'b'), options());
    await mkdir(target);
    await writeFile(join(target, 'db'), 'a file');
    assert.is((await refusal(restore(join(parent, 'b'), target, restoring))).code, 'data-unusable');
    assert.equal(await readdir(target), ['db']);
  },
);

backups('a restore that was cut off is no empty database', async ({ parent, store }) => {
  const data = join(parent, 'data');
  const backup = join(parent, 'backup');
  await backUp(store, backup, options());
  await mkdir(join(data, 'restoring', 'db'), { recursive: true });
  const refused = await refusal(openDataFolder(data, { environment: realEnvironment }));
  assert.match(refused.message, /A restore into .* was cut off: run it again/);
  assert.is((await restore(backup, data, restoring)).changes, 3);
  await (await openDataFolder(data, { environment: realEnvironment })).close();
});

backups(
  'REP-8 a restore that is killed between any two steps keeps what was there, and is gone on with',
  async ({ parent, store }) => {
    const backup = join(parent, 'backup');
    await backUp(store, backup, options());
    const whole = ['db', 'rejoin.pid', 'witness'];
    let step = 1;
    for (; ; step++) {
      const data = join(parent, `data${step}`);
      const opened = await openDataFolder(data, { environment: realEnvironment });
      await opened.close();
      await writeFile(join(data, 'rejoin.pid'), '{}'); // as a server leaves it that was killed
      const replacing = { ...restoring, isReplacing: true };
      if (!(await isKilledAt(step, () => restore(backup, data, replacing)))) break;
      const names = await readdir(data);
      const asideNames = (await isThere(join(data, 'replaced'))) ? await readdir(join(data, 'replaced')) : [];
      const [aside] = asideNames;
      const isMoved = aside !== undefined && (await isThere(join(data, 'replaced', aside, 'db')));
      if (names.includes('db') && isMoved) continue; // it is done
      if (isMoved) {
        const refused = await refusal(openDataFolder(data, { environment: realEnvironment }));
        assert.match(refused.message, /was cut off: run it again/);
        assert.ok(refused.message.endsWith(`; what was there is kept in ${join(data, 'replaced', aside)}`));
      } else
        assert.ok(
          whole.every((name) => names.includes(name)),
          `step ${step}: ${names.join()}`,
        );
      assert.is((await restore(backup, data, replacing)).changes, 3);
      const replaced = await readdir(join(data, 'replaced'));
      assert.is(replaced.length, 1, `step ${step}: ${replaced.join()}`);
      const kept = join(data, 'replaced', replaced[0] ?? '');
      assert.equal((await readdir(kept)).sort(), whole, `step ${step}`);
      const before = await openDataFolder(kept, { environment: realEnvironment });
      assert.is(before.life.serverId, opened.life.serverId);
      await before.close();
      await (await openDataFolder(data, { environment: realEnvironment })).close();
    }
    assert.ok(step > 6, `only ${step} steps: it would show nothing`);
  },
);

/** Does as a kill does before the nth step that changes the folder, from when what was there makes room. */
async function isKilledAt(nth: number, work: () => Promise<unknown>): Promise<boolean> {
  const real = { ...promises };
  let steps = 0;
  const names = ['mkdir', 'rename', 'writeFile', 'rm'] as const;
  for (const name of names) {
    const doIt = real[name] as (...args: unknown[]) => Promise<unknown>;
    const step = async (...args: unknown[]): Promise<unknown> => {
      const isOfPlace = steps > 0 || args.some((arg) => String(arg).includes('replaced'));
      if (isOfPlace && ++steps >= nth) throw new Error('killed');
      return doIt(...args);
    };
    Object.assign(promises, { [name]: step });
  }
  syncBuiltinESMExports();
  try {
    await work();
    return false;
  } catch (error) {
    if (error instanceof RejoinError && /killed/.test(error.message)) return true;
    throw error;
  } finally {
    Object.assign(promises, real);
    syncBuiltinESMExports();
  }
}

backups.run();
