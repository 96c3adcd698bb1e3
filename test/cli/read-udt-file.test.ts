// Reading of UDT files: which are refused, and that each is named in one sentence.

import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Progress } from '../../src/cli/progress.ts';
import { readUdtFile } from '../../src/cli/read-udt-file.ts';
import type { UdtFormat } from '../../src/cli/udt-format.ts';
import { messageOf } from '../../src/errors.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite<{ folder: string }>('reading UDT files');

test.before.each(async (context) => {
  context.folder = await temporaryFolder();
});
test.after.each(({ folder }) => removeFolder(folder));

const progress = await Progress.open(false);

test('UDT-22 what is no UDT file is refused in a sentence that names it', async ({ folder }) => {
  const cases: readonly [string | Uint8Array, UdtFormat, RegExp][] = [
    ['', 'json', / is empty$/],
    ['\ufeff', 'csv', / is empty$/],
    ['{"a": 1,\n "b": }', 'json', / is not JSON: line 2, column 7: a value is expected$/],
    ['[]', 'json', / should be a JSON object, .*: a UDT project file$/],
    ['['.repeat(100_000), 'json', / is wrong: The JSON is nested deeper than 64 levels$/],
    ['{"a": "\\ud800"}', 'json', / is wrong: \/a has a lone surrogate/],
    [Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d]), 'json', / is not text in UTF-8: save it as UTF-8$/],
    [Buffer.from('\ufeff{}', 'utf16le'), 'json', / is not text in UTF-8/],
    ['path,document\nsamples.0,"x\n', 'csv', / is wrong in line 2: a cell begins with a quotation mark/],
    [',text\n0,a\n', 'csv', / is wrong in line 1: column 1 has no name/],
  ];
  const file = join(folder, 'a file');
  for (const [content, format, sentence] of cases) {
    await writeFile(file, content);
    const message = await readUdtFile(file, format, progress).then(() => 'it was read', messageOf);
    assert.ok(message.startsWith(file), message);
    assert.match(message, sentence);
  }
  const other = async (path: string): Promise<string> =>
    readUdtFile(path, 'json', progress).then(() => 'it was read', messageOf);
  assert.match(await other(join(folder, 'none')), /^There is no file .*none$/);
  assert.match(await other(folder), / can't be read: EISDIR/);
});

test('a byte order mark at the beginning is fine in both forms', async ({ folder }) => {
  const file = join(folder, 'file');
  await writeFile(file, '\ufeff{"a":"\ufeff"}');
  assert.equal(await readUdtFile(file, 'json', progress), { a: '\ufeff' });
  await writeFile(file, '\ufeffpath,document\r\nsamples.0,é\r\n');
  assert.equal(await readUdtFile(file, 'csv', progress), { samples: [{ document: 'é' }] });
});

test.run();
