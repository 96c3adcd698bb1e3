#!/usr/bin/env node
// The npx entry. In a clone where nothing was built yet (install scripts may be switched off) it builds first.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = at('../dist/cli.js');
const compiler = at('../node_modules/typescript/bin/tsc');

if (!existsSync(built)) {
  if (!existsSync(compiler)) fail('rejoin is not installed here yet: run `npm ci` in its folder first.');
  process.stderr.write('Building rejoin, once …\n');
  const { status } = spawnSync(process.execPath, [at('./build.js')], { stdio: 'inherit' });
  if (status !== 0) fail('rejoin could not be built: see above.');
}
const { main } = await import('../dist/cli.js');
await main();

function fail(sentence) {
  process.stderr.write(sentence + '\n');
  process.exit(1);
}
