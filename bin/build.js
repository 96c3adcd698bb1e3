// Builds what is run and published, into dist: the modules, and the client library as one file that a page can import.
// `npm run build` runs it, and so does rejoin itself in a clone where nothing was built yet.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const compiler = at('../node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', at('../tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);

const { build } = await import('esbuild');

// The compiler keeps comments in all that it writes or in none. Declarations need theirs, and modules would be a quarter
// larger on their way to npm's users.
const modules = readdirSync(at('../dist'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js'))
  .map((name) => at(`../dist/${name}`));
await build({
  entryPoints: modules,
  outdir: at('../dist'),
  outbase: at('../dist'),
  allowOverwrite: true,
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});

await build({
  entryPoints: [at('../src/client.ts')],
  outfile: at('../dist/client/rejoin-client.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  banner: {
    js: '/* rejoin/client, MIT. With idb (ISC, Jake Archibald) and lib0 (MIT, Kevin Jahns) inside. */',
  },
  logLevel: 'warning',
});
