// Builds what is run and published, into dist: the program, and the client library as one file that a page can import.
// `npm run build` runs it, and so does rejoin itself in a clone where nothing was built yet. The compiler writes the
// declarations and checks nothing: `npm run check` does that.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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

// A few files in place of some hundred modules: a process that starts reads them in two thirds of the time. What several entries
// share is shared here too, and what is imported when it is wanted stays apart.
const { metafile } = await build({
  entryPoints: ['index.ts', 'cli.ts', 'client.ts', 'client/node/file-storage.ts'].map((entry) =>
    at(`../src/${entry}`),
  ),
  outdir: at('../dist'),
  outbase: at('../src'),
  bundle: true,
  splitting: true,
  packages: 'external',
  minifyWhitespace: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
});

// What an earlier build has left would be published with it.
const written = new Set(Object.keys(metafile.outputs).map((path) => resolve(path)));
for (const name of readdirSync(at('../dist'), { recursive: true, encoding: 'utf8' })) {
  const path = at(`../dist/${name}`);
  if (/\.js(\.map)?$/.test(name) && !written.has(path)) rmSync(path);
}

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
