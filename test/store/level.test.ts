import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
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
