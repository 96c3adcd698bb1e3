// Folders that somebody has named: made with those they are in, or an error, at once.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSystemError } from '../../src/errors.ts';
import { isThere } from '../../src/store/is-there.ts';
import { makeFolders } from '../../src/store/make-folders.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const folders = suite<{ parent: string }>('make folders');

folders.before.each(async (context) => {
  context.parent = await temporaryFolder();
});
folders.after.each(({ parent }) => removeFolder(parent));

async function refusal(path: string): Promise<string> {
  const thrown: unknown = await makeFolders(path).catch((error: unknown) => error);
  for (const code of ['EEXIST', 'ENOTDIR', 'ENOENT', 'EACCES']) if (isSystemError(thrown, code)) return code;
  throw new Error(`It was refused otherwise, or not: ${String(thrown)}`);
}

folders('makes those that are missing, and says whether it made any', async ({ parent }) => {
  const path = join(parent, 'a', 'b', 'c');
  assert.is(await makeFolders(path), true);
  assert.equal(await readdir(join(parent, 'a', 'b')), ['c']);
  assert.is(await makeFolders(path), false);
  assert.is(await makeFolders(parent), false);
});

folders('two that are made at once are both there', async ({ parent }) => {
  const paths = ['x', 'y', 'x'].map((name) => join(parent, 'new', name));
  await Promise.all(paths.map(makeFolders));
  assert.equal((await readdir(join(parent, 'new'))).sort(), ['x', 'y']);
});

folders('a file is no folder', async ({ parent }) => {
  const file = join(parent, 'file');
  await writeFile(file, 'kept');
  assert.is(await refusal(file), 'EEXIST');
  assert.is(await refusal(join(file, 'below')), 'ENOTDIR');
});

if (await isThere('/proc/self'))
  folders('a folder that takes none is refused, not tried for ever', async () => {
    assert.is(await refusal('/proc/rejoin/data'), 'ENOENT');
  });

folders.run();
