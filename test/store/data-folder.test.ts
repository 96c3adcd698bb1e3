import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { openDataFolder, type DataFolder } from '../../src/store/data-folder.ts';
import { sealJson } from '../../src/store/digest.ts';
import { formatKey, lifeKey } from '../../src/store/store-keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { dataFormat } from '../../src/store/open-life.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const open = (folder: string, serverId?: number): Promise<DataFolder> =>
  openDataFolder(folder, { environment: realEnvironment, serverId });

const test = suite<{ folder: string }>('data folder');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

test('a new folder takes a random 48-bit server id and keeps it', async ({ folder }) => {
  const first = await open(folder);
  await first.close();
  assert.ok(
    Number.isSafeInteger(first.life.serverId) && first.life.serverId > 0 && first.life.serverId < 2 ** 48,
  );
  assert.ok(first.life.epoch >= 1 && first.life.epoch < 2 ** 20);
  const second = await open(folder);
  await second.close();
  assert.equal(second.life, first.life);
  assert.equal(second.warnings, []);
});

test('--server-id names the first life; another value later is a warning', async ({ folder }) => {
  const first = await open(folder, 5);
  await first.close();
  assert.is(first.life.serverId, 5);
  const second = await open(folder, 6);
  await second.close();
  assert.is(second.life.serverId, 5);
  assert.match(second.warnings.join(), /--server-id 6 is ignored/);
});

test('REP-8 a copied folder takes a new server id and a new epoch; the original keeps its own', async ({
  folder,
}) => {
  const data = join(folder, 'original');
  const copy = join(folder, 'copy');
  const first = await open(data);
  await first.close();
  await cp(data, copy, { recursive: true, preserveTimestamps: true });
  const copied = await open(copy);
  await copied.close();
  assert.is.not(copied.life.serverId, first.life.serverId);
  assert.match(copied.warnings.join(), /copied or restored/);
  const again = await open(copy);
  await again.close();
  assert.equal(again.life, copied.life);
  const original = await open(data);
  await original.close();
  assert.equal(original.life, first.life);
});

test('REP-8 a folder that was moved stays itself', async ({ folder }) => {
  const first = await open(join(folder, 'a'));
  await first.close();
  await rename(join(folder, 'a'), join(folder, 'b'));
  const moved = await open(join(folder, 'b'));
  await moved.close();
  assert.equal(moved.life, first.life);
  assert.equal(moved.warnings, []);
});

test('REP-8 a marker that is missing, damaged, rewritten or of another folder costs the server id', async ({
  folder,
}) => {
  const lives = new Set<number>();
  const marker = join(folder, 'db', 'REJOIN-MARKER');
  const reopened = async (): Promise<void> => {
    const opened = await open(folder);
    await opened.close();
    assert.not.ok(lives.has(opened.life.serverId));
    lives.add(opened.life.serverId);
  };
  await reopened();
  await rm(marker);
  await reopened();
  await writeFile(marker, 'nonsense');
  await reopened();
  const text = await readFile(marker, 'utf8');
  await rm(marker);
  await writeFile(join(folder, 'taken'), ''); // so that the inode isn't given out again at once
  await writeFile(marker, text);
  await reopened();
});

test('where the file system keeps no birth times the inode decides, with a warning', async ({ folder }) => {
  const first = await open(folder);
  await first.close();
  const marker = join(folder, 'db', 'REJOIN-MARKER');
  const text = await readFile(marker, 'utf8');
  // Written in place: the inode stays.
  await writeFile(marker, JSON.stringify({ ...(JSON.parse(text) as object), birthTime: null }));
  const second = await open(folder);
  await second.close();
  assert.is(second.life.serverId, first.life.serverId);
  assert.match(second.warnings.join(), /no birth times/);
});

test('a folder in use is refused with the process that has it', async ({ folder }) => {
  const holder = await open(folder);
  const message = await refusal(folder, 'data-in-use');
  assert.match(message, new RegExp(`in use by process ${process.pid}, started \\d{4}-`));
  await holder.close();
  await (await open(folder)).close();
});

test('a newer format is refused and left alone', async ({ folder }) => {
  await (await open(folder)).close();
  const store = await LevelStore.open(join(folder, 'db'));
  await store.write([{ key: formatKey, value: sealJson(formatKey, dataFormat + 1) }]);
  await store.close();
  assert.match(await refusal(folder, 'data-newer'), /has format 4, this release reads up to 3/);
});

test('a database of another program is refused', async ({ folder }) => {
  await (await open(folder)).close();
  const store = await LevelStore.open(join(folder, 'db'));
  await store.write([
    { key: formatKey, value: null },
    { key: lifeKey, value: null },
    { key: Buffer.from('another'), value: Buffer.from('1') },
  ]);
  await store.close();
  await rm(join(folder, 'db', 'REJOIN-MARKER'));
  assert.match(await refusal(folder, 'data-unusable'), /was not made by rejoin/);
});

test('a folder that can not be made is refused in a sentence', async ({ folder }) => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  assert.match(await refusal(join(file, 'data'), 'data-unusable'), /can't be made: ENOTDIR/);
});

async function refusal(folder: string, code: string): Promise<string> {
  try {
    await (await open(folder)).close();
  } catch (error) {
    if (!(error instanceof RejoinError)) throw error;
    assert.is(error.code, code);
    return error.message;
  }
  throw new Error('it opened');
}

test.run();
