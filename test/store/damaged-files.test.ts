// What is wrong with the files of a database is said without changing anything, and of an open one too.

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { damagedFiles } from '../../src/store/damaged-files.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { allKeys } from '../../src/store/store-keys.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const files = suite<{ data: string }>('damaged files');

files.before.each(async (context) => {
  context.data = await temporaryFolder();
});
files.after.each(({ data }) => removeFolder(data));

async function filesOf(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await readdir(folder)).sort())
    if (!/^LO/.test(name)) found.set(name, (await readFile(join(folder, name))).toString('hex'));
  return found;
}

files(
  'a flipped bit in a table is found, in a folder that is open and in one that is not',
  async ({ data }) => {
    assert.equal(await damagedFiles(data), []); // there is none yet
    const database = join(data, 'db');
    const folder = await openDataFolder(data, { environment: realEnvironment });
    await folder.store.write([{ key: Buffer.from('x'), value: Buffer.alloc(50_000, 7) }]);
    await folder.store.compact(allKeys);
    const { signal } = new AbortController();
    assert.equal(await folder.checkFiles(signal), []);
    const table = (await readdir(database)).find((name) => name.endsWith('.ldb'));
    assert.ok(table);
    const path = join(database, table);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(path, bytes);
    const [problem, ...more] = await folder.checkFiles(signal);
    assert.equal(more, []);
    assert.ok(problem?.startsWith(`${table}: `), problem);
    assert.equal(await damagedFiles(data), []); // who has it open knows better
    await folder.close();

    const before = await filesOf(database);
    const found = await damagedFiles(data);
    assert.is(found.length, 1);
    assert.match(found[0] ?? '', new RegExp(table));
    assert.equal(await filesOf(database), before);
  },
);

files.run();
