import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkTable } from '../../src/store/level-table.ts';
import { LevelStore } from '../../src/store/level.ts';
import { Scrub } from '../../src/store/scrub.ts';
import { seededPrng } from '../support/seed.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';

const test = suite<{ folder: string; table: string }>('scrub');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
  const store = await LevelStore.open(context.folder);
  for (let i = 0; i < 200; i++)
    await store.write([{ key: Buffer.from(`key ${i}`), value: Buffer.alloc(500, `value ${i * 7_919} `) }]);
  await store.compact({ from: Buffer.from([0]), before: Buffer.from([0xff]) });
  await store.close();
  const name = (await readdir(context.folder)).find((each) => each.endsWith('.ldb'));
  if (name === undefined) throw new Error('there is no table');
  context.table = join(context.folder, name);
});
test.after.each(({ folder }) => removeFolder(folder));

test('every flipped bit of a table is found, but those that nothing reads', async ({ table }) => {
  const whole = await readFile(table);
  assert.equal((await checkTable(table, { withData: true })).problems, []);
  const generator = seededPrng('scrub');
  for (let round = 0; round < 150; round++) {
    const bit = prng.int32(generator, 0, whole.length * 8 - 1);
    await flip(table, whole, bit);
    const { problems } = await checkTable(table, { withData: true });
    const isPadding = bit >>> 3 >= whole.length - 48 && bit >>> 3 < whole.length - 8;
    assert.ok(problems.length > 0 || isPadding, `bit ${bit} of ${whole.length * 8}`);
  }
});

test('a damaged table is told once; a sound one is not', async ({ folder, table }) => {
  const whole = await readFile(table);
  await flip(table, whole, 800);
  const told: string[] = [];
  const scrub = new Scrub(folder, { onDamage: (detail) => told.push(detail), firstMs: 1, everyMs: 1 });
  await until('the damage is told', () => told.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await scrub.stop();
  assert.is(told.length, 1);
  assert.match(told.join(), /ldb: .*fail their checksums/);
});

async function flip(path: string, whole: Buffer, bit: number): Promise<void> {
  const copy = Buffer.from(whole);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  await writeFile(path, copy);
}

test.run();
