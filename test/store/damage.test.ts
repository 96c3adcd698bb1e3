// Damage to the files of a database: every flipped bit is found, also in the last write, and a write that a crash cut off is none;
// what is found costs the server id, is kept as evidence, and leaves a database that opens.

import { cp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { crc32c } from '../../src/store/crc32c.ts';
import { openDataFolder, type DataFolder } from '../../src/store/data-folder.ts';
import { writeHoldersMark } from '../../src/store/index-marks.ts';
import { checkLevelFiles } from '../../src/store/level-files.ts';
import { readLevelLog } from '../../src/store/level-log.ts';
import { LevelStore } from '../../src/store/level.ts';
import { writeMarker } from '../../src/store/marker.ts';
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

test('every flipped bit of a log is found, and no log looks as if a crash had cut it off', async ({
  folder,
}) => {
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
    const isFound = found.state.type === 'damaged' || found.state.type === 'spoiled';
    assert.ok(isFound || isFiller, `bit ${bit} of ${whole.length * 8}: ${found.state.type}`);
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

test('REP-8 the last write is spoiled where a bit of it is flipped, and torn where a part or a sector of it is missing', async ({
  folder,
}) => {
  const { path, whole, lastAt, fragmentsAt } = await logWithLongEnd(folder);
  const stateOf = async (bytes: Buffer): Promise<string> => {
    await writeFile(path, bytes);
    const { state } = await readLevelLog(path);
    return 'at' in state ? `${state.type} at ${state.at}` : state.type;
  };
  const headers = fragmentsAt.flatMap((at) => Array.from({ length: 7 * 8 }, (_, bit) => at * 8 + bit));
  const others = Array.from({ length: 60 }, (_, n) => lastAt * 8 + n * 8_009);
  for (const bit of [...headers, ...others])
    assert.is(await stateOf(flipped(whole, bit)), `spoiled at ${lastAt}`, `bit ${bit - lastAt * 8}`);

  const ends = [...fragmentsAt.flatMap((at) => [at + 1, at + 7]), ...fragmentsAt.slice(1), whole.length - 1];
  for (const end of [...ends, lastAt + 5_000, lastAt + 50_000])
    assert.is(await stateOf(whole.subarray(0, end)), `torn at ${lastAt}`, `cut off at ${end}`);
  for (let sector = lastAt - (lastAt % 512); sector < whole.length; sector += 512) {
    const [from, to] = [Math.max(sector, lastAt), Math.min(sector + 512, whole.length)];
    assert.is(await stateOf(Buffer.from(whole).fill(0, from, to)), `torn at ${lastAt}`, `zeros at ${from}`);
  }
});

test('REP-8 a spoiled last write costs the server id after a kill, one that is cut off does not', async ({
  folder,
}) => {
  const data = join(folder, 'data');
  const made = await openDataFolder(data, { environment: realEnvironment });
  await made.close();
  const { path, whole } = await logWithLongEnd(join(data, 'db'));
  for (const [bytes, isDamage] of [
    [whole.subarray(0, -9), false],
    [flipped(whole, whole.length * 8 - 9), true],
  ] as const) {
    const copy = join(folder, isDamage ? 'spoiled' : 'torn');
    await cp(data, copy, { recursive: true });
    await writeFile(join(copy, 'db', basename(path)), bytes);
    const found = await checkLevelFiles(join(copy, 'db'), false);
    assert.equal([found.torn.length, found.damage.length], isDamage ? [0, 1] : [1, 0]);
    await writeFile(join(copy, 'rejoin.pid'), '0\n'); // as a kill leaves it
    await writeMarker(join(copy, 'db'), made.life); // it counts as the folder itself
    const opened = await openDataFolder(copy, { environment: realEnvironment });
    await opened.close();
    assert.is(opened.life.serverId !== made.life.serverId, isDamage);
    assert.is((await readdir(copy)).includes('damaged'), isDamage);
    assert.match(opened.warnings.join('\n'), isDamage ? /nothing of it is missing/ : /was cut off/);
  }
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

test('a witness that can neither be opened nor moved aside is said in a sentence', async ({ folder }) => {
  await (await openDataFolder(folder, { environment: realEnvironment })).close();
  await writeFile(join(folder, 'witness', 'CURRENT'), 'nonsense');
  await writeFile(join(folder, 'damaged'), 'a file, where no folder can be made');
  try {
    await openDataFolder(folder, { environment: realEnvironment });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RejoinError);
    assert.is((error as RejoinError).code, 'data-unusable');
    assert.match(
      (error as RejoinError).message,
      /witness of the heads .* nor moved to .*damaged.*: check that/,
    );
  }
});

test('damage is known until everything was read, whoever opened the folder when it was found', async ({
  folder,
}) => {
  const open = (): Promise<DataFolder> => openDataFolder(folder, { environment: realEnvironment });
  const isDamaged: boolean[] = [];
  const made = await open();
  for (let i = 0; i < 9; i++)
    await made.store.write([{ key: Buffer.from(`x${i}`), value: Buffer.alloc(500, i) }]);
  await made.close();
  const log = join(folder, 'db', await fileOf(join(folder, 'db'), /\.log$/));
  const bytes = await readFile(log);
  await writeFile(log, flipped(bytes, 8 * (bytes.length >>> 1)));
  for (let opens = 0; opens < 3; opens++) {
    const opened = await open();
    isDamaged.push(opened.isDamaged);
    if (opens === 1) await opened.store.write([writeHoldersMark(opened.life.serverId)]);
    await opened.close();
  }
  assert.equal(isDamaged, [true, true, false]);
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

/** A log whose last record goes over three blocks, and has zeros only in its headers. */
async function logWithLongEnd(
  folder: string,
): Promise<{ path: string; whole: Buffer; lastAt: number; fragmentsAt: readonly number[] }> {
  const store = await LevelStore.open(folder);
  await store.write([{ key: Buffer.from('first'), value: Buffer.alloc(3_000, 'first ') }]);
  const path = join(folder, await fileOf(folder, /\.log$/));
  const { size: lastAt } = await stat(path);
  await store.write([{ key: Buffer.from('last'), value: Buffer.alloc(70_000, 'last ') }]);
  await store.close();
  const whole = await readFile(path);
  const blockBytes = 32 * 1024;
  return { path, whole, lastAt, fragmentsAt: [lastAt, blockBytes, 2 * blockBytes] };
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
