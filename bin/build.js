// Builds what is run and published, into dist: the modules, and the client library as one file that a page can import.
// `npm run build` runs it, and so does rejoin itself in a clone where nothing was built yet.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const compiler = at('../node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', at('../tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);

// Only the declarations that a user's program reaches are published.
const wanted = new Set();
const reach = (file) => {
  if (wanted.has(file)) return;
  wanted.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, path] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g))
    reach(join(dirname(file), path.replace(/\.[jt]s$/, '.d.ts')));
};
for (const entry of ['index', 'client', 'client/node/file-storage']) reach(at(`../dist/${entry}.d.ts`));
for (const name of readdirSync(at('../dist'), { recursive: true, encoding: 'utf8' }))
  if (name.endsWith('.d.ts') && !wanted.has(at(`../dist/${name}`))) rmSync(at(`../dist/${name}`));

const { build } = await import('esbuild');

// The compiler keeps comments in all that it writes or in none. Declarations need theirs, and modules would be nearly half as
// large again on their way to npm's users; the source maps of a clone lead to the source.
const modules = readdirSync(at('../dist'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js'))
  .map((name) => at(`../dist/${name}`));
await build({
  entryPoints: modules,
  outdir: at('../dist'),
  outbase: at('../dist'),
  allowOverwrite: true,
  minifyWhitespace: true,
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
