// Damage to the files of a database: every flipped bit is found, or looks like a torn write; what is found costs the
// server id, is kept as evidence, and leaves a database that opens.

import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { crc32c } from '../../src/store/crc32c.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { checkLevelFiles } from '../../src/store/level-files.ts';
import { readLevelLog } from '../../src/store/level-log.ts';
import { LevelStore } from '../../src/store/level.ts';
import { seededPrng } from '../support/seed.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite<{ folder: string }>('damage');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

test('CRC-32C of the published example', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.is(crc32c(Buffer.alloc(32)), 0x8a9136aa);
});

test('every flipped bit of a log is found or looks like a torn end', async ({ folder }) => {
  await fill(folder, 40);
  const path = join(folder, await fileOf(folder, /\.log$/));
  const whole = await readFile(path);
  const { state, records } = await readLevelLog(path);
  assert.is(state.type, 'whole');
  assert.is(records, 40);
  const generator = seededPrng('damage');
  for (let round = 0; round < 150; round++) {
    const bit = prng.int32(generator, 0, whole.length * 8 - 1);
    await writeFile(path, flipped(whole, bit));
    const found = await readLevelLog(path);
    const isFiller = found.state.type === 'whole' && isInFiller(bit >>> 3);
    assert.ok(found.state.type !== 'whole' || isFiller, `bit ${bit} of ${whole.length * 8}`);
  }
});

test('a cut log is torn, a zeroed end too, zeros with a record behind them are damage', async ({
  folder,
}) => {
  await fill(folder, 3, 1_000);
  const path = join(folder, await fileOf(folder, /\.log$/));
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, -5));
  assert.is((await readLevelLog(path)).state.type, 'torn');
  await writeFile(path, Buffer.from(whole).fill(0, whole.length - 1_000));
  assert.is((await readLevelLog(path)).state.type, 'torn');
  await writeFile(path, Buffer.from(whole).fill(0, 0, 500));
  assert.is((await readLevelLog(path)).state.type, 'damaged');
});

test('a torn log is damage after an orderly stop only', async ({ folder }) => {
  await fill(folder, 3);
  const path = join(folder, await fileOf(folder, /\.log$/));
  await writeFile(path, (await readFile(path)).subarray(0, -5));
  const crashed = await checkLevelFiles(folder, false);
  assert.equal([crashed.torn.length, crashed.damage], [1, []]);
  const stopped = await checkLevelFiles(folder, true);
  assert.equal([stopped.torn.length, stopped.damage.length], [0, 1]);
});

test('REP-8 a flip anywhere is found, is kept as evidence, costs the server id once; the folder opens', async ({
  folder,
}) => {
  const good = join(folder, 'good');
  const made = await openDataFolder(good, { environment: realEnvironment });
  await made.close();
  for (let i = 0; i < 2; i++) await fill(join(good, 'db'), 60, 1_000); // the second opening makes tables
  for (const pattern of [/\.log$/, /\.ldb$/, /^MANIFEST/, /^CURRENT$/]) {
    const data = join(folder, 'data');
    await cp(good, data, { recursive: true });
    const settled = await openDataFolder(data, { environment: realEnvironment });
    await settled.close();
    await fill(join(data, 'db'), 20, 1_000);
    const path = join(data, 'db', await fileOf(join(data, 'db'), pattern));
    const whole = await readFile(path);
    await writeFile(path, flipped(whole, Math.floor(whole.length / 2) * 8 + 1));
    const opened = await openDataFolder(data, { environment: realEnvironment });
    await opened.close();
    assert.is.not(opened.life.serverId, settled.life.serverId, String(pattern));
    assert.match(opened.warnings.join('\n'), /The database was damaged: /);
    assert.is((await readdir(join(data, 'damaged'))).length, 1);
    const again = await openDataFolder(data, { environment: realEnvironment });
    await again.close();
    assert.equal(again.life, opened.life, String(pattern));
    assert.equal(again.warnings, []);
    await rm(data, { recursive: true });
  }
});

test('without CURRENT the database is not begun anew', async ({ folder }) => {
  const made = await openDataFolder(folder, { environment: realEnvironment });
  await made.store.write([{ key: Buffer.from('kept'), value: Buffer.from('1') }]);
  await made.close();
  await rm(join(folder, 'db', 'CURRENT'));
  const opened = await openDataFolder(folder, { environment: realEnvironment });
  const kept = await opened.store.get(Buffer.from('kept'));
  await opened.close();
  assert.is(Buffer.from(kept ?? []).toString(), '1');
  assert.is.not(opened.life.serverId, made.life.serverId);
});

test('the witness keeps heads over a restart, and one that can not be opened is moved aside', async ({
  folder,
}) => {
  const heads = { position: 7, serverId: 5, seqno: 6 };
  const first = await openDataFolder(folder, { environment: realEnvironment });
  first.witness.note('p', heads);
  assert.equal(await first.witness.heads('p'), heads);
  await first.close();
  const second = await openDataFolder(folder, { environment: realEnvironment });
  assert.equal(await second.witness.heads('p'), heads);
  assert.is(await second.witness.heads('q'), undefined);
  await second.close();
  await writeFile(join(folder, 'witness', 'CURRENT'), 'nonsense');
  const third = await openDataFolder(folder, { environment: realEnvironment });
  assert.is(await third.witness.heads('p'), undefined);
  await third.close();
  assert.match(third.warnings.join(), /begun anew/);
  assert.is(third.life.serverId, first.life.serverId);
});

test('a new life at run time is the one that the next start finds', async ({ folder }) => {
  const first = await openDataFolder(folder, { environment: realEnvironment });
  const [, second] = await Promise.all([first.takeLife('a test'), first.takeLife('a test')]);
  await first.close();
  const next = await openDataFolder(folder, { environment: realEnvironment });
  await next.close();
  assert.equal(next.life, second);
  assert.equal(next.warnings, []);
});

async function fill(folder: string, count: number, bytes = 3_000): Promise<void> {
  const store = await LevelStore.open(folder);
  for (let i = 0; i < count; i++)
    await store.write([{ key: Buffer.from(`x${i}`), value: Buffer.alloc(bytes, `value ${i} `) }]);
  await store.close();
}

async function fileOf(folder: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(folder))
    .filter((each) => pattern.test(each))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`no file ${String(pattern)} in ${folder}`);
  return name;
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** The end of a block that is too short for a record is filled up, and never read. */
function isInFiller(at: number): boolean {
  return at % (32 * 1024) >= 32 * 1024 - 6;
}

test.run();
