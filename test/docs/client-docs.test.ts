// The examples of docs/client.md, as one program against a server: what each prints is what stands behind it.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fencedBlocks } from '../support/fenced-blocks.ts';
import { startServer } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite('docs/client.md');

const marker = '=== the next example ===';

test('the examples print what the text says', async () => {
  const blocks = fencedBlocks('docs/client.md');
  const examples = blocks.flatMap(({ info, text }, index) => {
    const next = blocks[index + 1];
    return info === 'js' ? [{ code: text, printed: next?.info === 'text' ? next.text : '' }] : [];
  });
  assert.ok(examples.length > 5, 'the examples were found');

  const folder = await temporaryFolder();
  const server = await startServer();
  try {
    const built = new URL('../../dist/', import.meta.url).href;
    const code = examples
      .map((example) => `${example.code}\nconsole.log(${JSON.stringify(marker)});\n`)
      .join('')
      .replaceAll('http://localhost:6003', server.url)
      .replaceAll("'rejoin/client/node'", `'${built}client/node/file-storage.js'`)
      .replaceAll("'rejoin/client'", `'${built}client.js'`)
      .replaceAll("'ws'", `'${import.meta.resolve('ws')}'`)
      .replaceAll("'yjs'", `'${import.meta.resolve('yjs')}'`)
      .replaceAll("'y-websocket'", `'${import.meta.resolve('y-websocket')}'`);
    const program = join(folder, 'examples.mjs');
    await writeFile(program, `${code}\nprocess.exit(0);\n`);
    const { stdout } = await promisify(execFile)(process.execPath, [program], {
      cwd: folder,
      timeout: 60_000,
    });
    const printed = stdout.split(`${marker}\n`);
    for (const [index, example] of examples.entries())
      assert.is(printed[index], example.printed, example.code);
  } finally {
    await server.remove();
    await removeFolder(folder);
  }
});

test.run();
