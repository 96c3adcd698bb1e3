// Runs in a process of its own, since it replaces functions of Node, for all files.

import { openFileStorage } from '../../src/client/node/file-storage.ts';
import { createHash } from 'node:crypto';
import { promises } from 'node:fs';
import { appendFile, mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeptObject } from '../../src/client/storage.ts';
import { RejoinError } from '../../src/errors.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { runStorageContract } from './storage-contract.ts';

runStorageContract('files', async () => {
  const folder = await temporaryFolder();
  return {
    storage: await openFileStorage(folder),
    restart: () => openFileStorage(folder),
    remove: () => removeFolder(folder),
  };
});

const test = suite<{ folder: string }>('file storage');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});

test.after.each(async ({ folder }) => {
  await removeFolder(folder);
});

test('a second user of the folder is refused with the process that has it; after close it is free', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  const error = await refusal(openFileStorage(folder));
  assert.is(error.code, 'data-in-use');
  assert.ok(error.message.includes(`process ${process.pid}`), error.message);
  await storage.close();
  await (await openFileStorage(folder)).close();
});

test('the lock of a process that is gone keeps nobody out', async ({ folder }) => {
  for (const lock of [
    { pid: 2 ** 22 + 5, started: 'unknown', token: 't' },
    { pid: process.pid, started: 'in another life', token: 't' },
  ]) {
    await writeFile(join(folder, 'lock'), JSON.stringify(lock));
    await (await openFileStorage(folder)).close();
  }
  await writeFile(join(folder, 'lock'), '');
  await (await openFileStorage(folder)).close();
});

test('of many who find a dead lock at once one gets the folder', async ({ folder }) => {
  await writeFile(join(folder, 'lock'), '{"pid":99999999,"started":"x"}');
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => openFileStorage(folder)));
  const opened = tries.filter((each) => each.status === 'fulfilled');
  assert.is(opened.length, 1);
  await opened[0]?.value.close();
});

test('of two who find a dead lock one gets the folder, however slow the other is', async ({ folder }) => {
  await writeFile(join(folder, 'lock'), '{"pid":99999999,"started":"x"}');
  const { rename } = promises;
  let delayMs = 200;
  promises.rename = async (from, to) => {
    const ms = delayMs;
    delayMs = 0;
    await sleep(ms);
    await rename(from, to);
  };
  syncBuiltinESMExports();
  const tries = await Promise.allSettled([openFileStorage(folder), openFileStorage(folder)]);
  promises.rename = rename;
  syncBuiltinESMExports();
  const opened = tries.filter((each) => each.status === 'fulfilled');
  assert.is(opened.length, 1);
  await opened[0]?.value.close();
});

test('who is killed while it takes a dead lock over keeps nobody out, and nothing is left of it', async ({
  folder,
}) => {
  const dead = '{"pid":99999999,"started":"x"}';
  await writeFile(join(folder, 'lock'), dead);
  const digest = createHash('sha256').update(dead).digest('hex').slice(0, 16);
  await writeFile(join(folder, `lock.${digest}`), '{"pid":99999998,"started":"y"}');
  const storage = await openFileStorage(folder);
  assert.is((await refusal(openFileStorage(folder))).code, 'data-in-use');
  assert.equal(await readdir(folder), ['lock']);
  await storage.close();
  assert.equal(await readdir(folder), []);
});

test('a line that a crash cut off at any byte is dropped, what came before stays', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('a')] });
  const path = join(folder, await queueFile(folder));
  const before = (await stat(path)).size;
  await storage.apply({ project: 'p', queued: [kept('b')] });
  const whole = await readFile(path);
  await storage.close();
  for (let bytes = before; bytes < whole.length; bytes++) {
    await writeFile(path, whole.subarray(0, bytes));
    const opened = await openFileStorage(folder);
    assert.equal((await opened.load('p')).queue, [kept('a')], `cut at ${bytes}`);
    await opened.apply({ project: 'p', queued: [kept('c')] });
    await opened.close();
    const again = await openFileStorage(folder);
    assert.equal((await again.load('p')).queue, [kept('a'), kept('c')], `cut at ${bytes}, and written again`);
    await again.close();
  }
});

test('a last line whose bytes are not what was written is dropped', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('a')] });
  await storage.close();
  await appendFile(join(folder, await queueFile(folder)), '0123456789abcdef [{"queued":[]}]\n');
  const again = await openFileStorage(folder);
  assert.equal((await again.load('p')).queue, [kept('a')]);
  await again.close();
});

test('damage before the last line is an error that names the file and the line, and frees the folder', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  for (const name of ['a', 'b', 'c']) await storage.apply({ project: 'p', queued: [kept(name)] });
  await storage.close();
  const path = join(folder, await queueFile(folder));
  const bytes = await readFile(path);
  bytes[bytes.indexOf('"versionUuid":"b"') + 15] = 0x78;
  await writeFile(path, bytes);
  for (let time = 0; time < 2; time++) {
    const error = await refusal(openFileStorage(folder));
    assert.is(error.code, 'damaged');
    assert.ok(error.message.includes('Line 3 of ') && error.message.includes(path), error.message);
  }
});

test('a storage whose received objects are damaged can be closed, and frees the folder', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  for (const seqno of [1, 2, 3])
    await storage.apply({ project: 'p', received: [{ ...kept(`v${seqno}`), places: [[1, seqno]] }] });
  await storage.close();
  const path = join(folder, await receivedFile(folder));
  const bytes = await readFile(path);
  bytes[bytes.indexOf('"versionUuid":"v2"') + 15] = 0x78;
  await writeFile(path, bytes);
  for (let time = 0; time < 2; time++) {
    const again = await openFileStorage(folder);
    assert.is((await refusal(again.load('p'))).code, 'damaged');
    await again.close();
  }
});

test('what is in both files after a crash between them is received', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('a'), kept('b')] });
  const path = join(folder, await queueFile(folder));
  const before = (await stat(path)).size;
  await storage.apply({ project: 'p', received: [{ ...kept('a'), places: [[1, 1]] }], vector: [[1, 1]] });
  await storage.close();
  await truncate(path, before);
  const again = await openFileStorage(folder);
  const { queue, received, vector } = await again.load('p');
  assert.equal(queue, [kept('b')]);
  assert.equal(received, [{ ...kept('a'), places: [[1, 1]] }]);
  assert.equal(vector, [[1, 1]]);
  await again.close();
});

test('a queue through which much went stays a small file', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  const text = 'x'.repeat(20_000);
  await storage.apply({ project: 'p', queued: [kept('stays')] });
  for (let round = 0; round < 200; round++) {
    const object = { ...kept(`v${round}`), value: { text } };
    await storage.apply({ project: 'p', queued: [object] });
    await storage.apply({ project: 'p', received: [{ ...kept(`v${round}`), places: [] }] });
  }
  const { size } = await stat(join(folder, await queueFile(folder)));
  assert.ok(size < 1_500_000, `4 MB went through it; it has ${size} bytes`);
  await storage.close();
  const again = await openFileStorage(folder);
  const { queue, received } = await again.load('p');
  assert.equal(queue, [kept('stays')]);
  assert.is(received.length, 200);
  await again.close();
});

test('a file that cannot be written anew holds up neither writes nor loading', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('first')] });
  await mkdir(join(folder, `${await queueFile(folder)}.new`)); // where the new file would be made
  const text = 'x'.repeat(300_000);
  for (let round = 0; round < 8; round++)
    await storage.apply({ project: 'p', queued: [{ ...kept(`v${round}`), value: { text } }] });
  for (let round = 1; round <= 1_500; round++)
    void storage.apply({ project: 'p', received: [{ ...kept('a'), places: [[1, round]] }] });
  await storage.close();
  await mkdir(join(folder, `${await receivedFile(folder)}.new`));
  const again = await openFileStorage(folder);
  const { queue, received } = await again.load('p');
  assert.is(queue.length, 9);
  assert.is(received[0]?.places[0]?.[1], 1_500);
  await again.close();
});

test('a write that failed does not come back when the file is written anew', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('before')] });
  const restore = await failingWrites();
  try {
    assert.is((await refusal(storage.apply({ project: 'p', queued: [kept('failed')] }))).code, 'unavailable');
    const received = [{ ...kept('also failed'), places: [] }];
    assert.is(
      (await refusal(storage.apply({ project: 'p', queued: [kept('failed')], received }))).code,
      'unavailable',
    );
  } finally {
    restore();
  }
  const value = { text: 'x'.repeat(1_100_000) };
  await storage.apply({ project: 'p', queued: [{ ...kept('large'), value }] });
  await storage.close();
  const again = await openFileStorage(folder);
  const { queue } = await again.load('p');
  assert.equal(
    queue.map(({ versionUuid }) => versionUuid),
    ['before', 'large'],
  );
  await again.close();
});

test('a file that says the same things again and again is written anew when it is loaded', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  for (let round = 1; round <= 1_500; round++)
    void storage.apply({
      project: 'p',
      received: [{ ...kept('a'), places: [[1, round]] }],
      vector: [[1, round]],
    });
  const before = await storage.load('p');
  const name = (await readdir(folder)).find((each) => each.endsWith('.received')) ?? '';
  assert.ok((await stat(join(folder, name))).size < 1_000);
  assert.equal(await storage.load('p'), before);
  await storage.apply({ project: 'p', received: [{ ...kept('b'), places: [[1, 1501]] }] });
  await storage.close();
  const again = await openFileStorage(folder);
  const { received, vector } = await again.load('p');
  assert.equal(received, [
    { ...kept('a'), places: [[1, 1500]] },
    { ...kept('b'), places: [[1, 1501]] },
  ]);
  assert.equal(vector, [[1, 1500]]);
  await again.close();
});

test('a file that cannot be made shorter stays as it is, and takes writes', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.apply({ project: 'p', queued: [kept('first')] });
  await mkdir(join(folder, `${await queueFile(folder)}.new`));
  const text = 'x'.repeat(400_000);
  for (let round = 0; round < 8; round++) {
    await storage.apply({ project: 'p', queued: [{ ...kept(`v${round}`), value: { text } }] });
    await storage.apply({ project: 'p', received: [{ ...kept(`v${round}`), places: [] }] });
  }
  assert.ok((await stat(join(folder, await queueFile(folder)))).size > 3_000_000);
  await storage.close();
  const again = await openFileStorage(folder);
  assert.equal((await again.load('p')).queue, [kept('first')]);
  await again.close();
});

test('thousands of writes at once are stored together, and the file is made shorter once for all', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  const text = 'x'.repeat(1_000);
  const objects = Array.from({ length: 3_000 }, (_, index) => ({ ...kept(`v${index}`), value: { text } }));
  await Promise.all(objects.map((object) => storage.apply({ project: 'p', queued: [object] })));
  assert.equal((await storage.load('p')).queue, objects);
  await storage.close();
});

test('a file that was written anew and lost its end knows no more than the objects that it has', async ({
  folder,
}) => {
  const storage = await openFileStorage(folder);
  for (let round = 1; round <= 1_500; round++)
    void storage.apply({
      project: 'p',
      received: [{ ...kept('a'), places: [[1, round]] }],
      vector: [[1, round]],
    });
  await storage.load('p');
  await storage.close();
  const path = join(folder, await receivedFile(folder));
  const whole = await readFile(path);
  assert.ok(whole.length < 1_000);
  for (let bytes = 0; bytes < whole.length; bytes++) {
    await writeFile(path, whole.subarray(0, bytes));
    const again = await openFileStorage(folder);
    const { received, vector } = await again.load('p');
    assert.ok(received.length === 1 || vector.length === 0, `cut at ${bytes}: ${JSON.stringify(vector)}`);
    await again.close();
  }
});

test('nothing is done to the files any more when others may have the folder', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  for (let round = 1; round <= 1_500; round++)
    void storage.apply({ project: 'p', received: [{ ...kept('a'), places: [[1, round]] }] });
  await storage.close();
  const again = await openFileStorage(folder);
  let isLoaded = false;
  const loading = again.load('p').finally(() => (isLoaded = true)); // which writes the file anew
  await again.close();
  assert.ok(isLoaded);
  assert.equal((await loading).received, [{ ...kept('a'), places: [[1, 1_500]] }]);
});

test('a closed storage takes nothing more', async ({ folder }) => {
  const storage = await openFileStorage(folder);
  await storage.close();
  assert.is((await refusal(storage.apply({ project: 'p', queued: [kept('a')] }))).code, 'unavailable');
});

/** A full disk, for all files. @returns ends it. */
async function failingWrites(): Promise<() => void> {
  const file = await open(fileURLToPath(import.meta.url));
  const prototype = Object.getPrototypeOf(file) as { write: () => Promise<never> };
  await file.close();
  const { write } = prototype;
  prototype.write = () => Promise.reject(new Error('ENOSPC: no space left on device, write'));
  return () => (prototype.write = write);
}

function kept(versionUuid: string): KeptObject {
  return { kind: 'entry', versionUuid, value: { version_uuid: versionUuid } };
}

function queueFile(folder: string): Promise<string> {
  return fileOf(folder, '.queue');
}

function receivedFile(folder: string): Promise<string> {
  return fileOf(folder, '.received');
}

async function fileOf(folder: string, ending: string): Promise<string> {
  const name = (await readdir(folder)).find((each) => each.endsWith(ending));
  if (name === undefined) throw new Error(`there is no file *${ending}`);
  return name;
}

async function refusal(promise: Promise<unknown>): Promise<RejoinError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RejoinError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test.run();
