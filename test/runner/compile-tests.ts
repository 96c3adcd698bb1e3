// Compiles test files, with all they import from here, before any of them is run (test/runner/run-files.ts): a process that starts
// without a compiler of its own starts in a third of the time.

import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
/** Packages are found from in there, and no other tool looks at what is in it. */
const parentFolder = join(projectFolder, 'node_modules', '.cache');

/**
 * What it makes is removed when this process exits.
 * @param files paths from the folder of the tests
 * @param others paths of what lies elsewhere: compiled under its last name
 * @returns the folder of the compiled files; their names are those of `compiledName`
 */
export async function compileTests(
  testFolder: string,
  files: readonly string[],
  others: readonly string[],
): Promise<string> {
  await mkdir(parentFolder, { recursive: true });
  const folder = await mkdtemp(join(parentFolder, 'rejoin-tests-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [
      ...files.map((file) => ({ in: join(testFolder, file), out: withoutEnding(file) })),
      ...others.map((path) => ({ in: path, out: withoutEnding(basename(path)) })),
    ],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [ownUrls],
  });
  return folder;
}

/** esbuild adds one. */
function withoutEnding(file: string): string {
  return file.replace(/\.ts$/, '');
}

/** A module finds the files beside it by its own URL: that of its source. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup: (compiler) => {
    compiler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};
