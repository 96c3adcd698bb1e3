import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError, messageOf } from '../../src/errors.ts';
import { LevelStore } from '../../src/store/level.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { runStoreContract } from './contract.ts';

runStoreContract('LevelDB', async () => {
  const folder = await temporaryFolder();
  return {
    store: await LevelStore.open(folder),
    restart: () => LevelStore.open(folder),
    remove: () => removeFolder(folder),
  };
});

const test = suite('LevelDB store');

test('a folder that another has open is in use', async () => {
  const folder = await temporaryFolder();
  const store = await LevelStore.open(folder);
  assert.is(await codeOf(LevelStore.open(folder)), 'data-in-use');
  await store.close();
  const next = await LevelStore.open(folder);
  await next.close();
  await removeFolder(folder);
});

test('a folder that holds something else is unusable', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'CURRENT'));
  assert.is(await codeOf(LevelStore.open(folder)), 'data-unusable');
  await writeFile(join(folder, 'file'), '');
  assert.is(await codeOf(LevelStore.open(join(folder, 'file'))), 'data-unusable');
  await removeFolder(folder);
});

test('a probe leaves no file behind, and says what the disk says', async () => {
  const folder = await temporaryFolder();
  const store = await LevelStore.open(folder);
  await store.write([{ key: Uint8Array.of(1), value: new Uint8Array(100_000) }]);
  const before = await readdir(folder);
  await store.probe();
  assert.equal(await readdir(folder), before);
  await mkdir(join(folder, 'REJOIN-PROBE')); // the scratch file can't be made
  const said = await store.probe().then(
    () => 'nothing',
    (error: unknown) => messageOf(error),
  );
  assert.match(said, /EISDIR/);
  await store.close();
  await removeFolder(folder);
});

async function codeOf(opening: Promise<LevelStore>): Promise<string> {
  try {
    await (await opening).close();
  } catch (error) {
    if (error instanceof RejoinError) return error.code;
    throw error;
  }
  return 'it opened';
}

test.run();
