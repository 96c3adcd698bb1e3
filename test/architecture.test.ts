// The shape of the source, as design and house style have it: imports point down, there is no cycle, the store's engine
// sits behind its interface, and every test file runs what it declares.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A layer may import itself and these; everything may import `model` and `errors`. */
const edges: Readonly<Record<string, readonly string[]>> = {
  cli: ['server', 'client', 'core', 'store', 'files'],
  index: ['server'],
  server: ['adapters', 'replication', 'core', 'store', 'wire'],
  adapters: ['core', 'wire'],
  replication: ['core', 'wire'],
  core: ['store'],
  client: ['wire'],
  store: [],
  wire: [],
  files: [],
  model: [],
  errors: [],
};

/** The files beside server.ts that make up the composition root, and one that lies beside cli.ts. */
const layerOfFile: Readonly<Record<string, string>> = {
  'client-module': 'server',
  control: 'server',
  'control-file': 'server',
  'http-front': 'server',
  listening: 'server',
  'measured-store': 'server',
  metrics: 'server',
  observations: 'server',
  'package-version': 'cli',
  'peer-settings': 'server',
  repeats: 'server',
  'server-defaults': 'server',
  'status-pages': 'server',
};

function layerOf(file: string): string {
  const [first = '', ...rest] = file.split('/');
  const name = rest.length > 0 ? first : first.replace(/\.ts$/, '');
  return layerOfFile[name] ?? name;
}

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith(ending));
}

function importsOf(file: string): { own: string[]; packages: string[] } {
  const text = readFileSync(join(root, 'src', file), 'utf8');
  const named = [...text.matchAll(/(?:^|\n)\s*(?:import|export)[^'";]*?from '([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  const bare = [...text.matchAll(/(?<!')\bimport\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  const all = [...named, ...bare];
  return {
    own: all.filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(file), name))),
    packages: all.filter((name) => !name.startsWith('.')),
  };
}

const sources = filesUnder('src', '.ts').filter((file) => !file.endsWith('.d.ts'));
const test = suite('architecture');

test('imports point down, along the edges of the design only', () => {
  assert.ok(sources.length > 40, 'the sources were found');
  const wrong = sources.flatMap((file) => {
    const from = layerOf(file);
    const allowed = edges[from];
    if (!allowed) return [`${file} is in no layer`];
    return importsOf(file)
      .own.map((imported) => ({ imported, to: layerOf(imported) }))
      .filter(({ to }) => to !== from && to !== 'model' && to !== 'errors' && !allowed.includes(to))
      .map(({ imported }) => `${file} imports ${imported}`);
  });
  assert.equal(wrong, []);
});

test('there is no import cycle', () => {
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    assert.not.ok(way.includes(file), `a cycle: ${[...way, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of importsOf(file).own) if (sources.includes(next)) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of sources) walk(file, []);
  assert.is(done.size, sources.length);
});

test('every import of a source file is found', () => {
  const missing = sources.flatMap((file) => importsOf(file).own.filter((name) => !sources.includes(name)));
  assert.equal(missing, []);
});

test('only the store knows LevelDB, and only its folder knows leveldown', () => {
  const users = sources.filter((file) => importsOf(file).packages.includes('leveldown'));
  assert.equal(users, ['store/level.ts']);
});

test('every package that the source imports is a dependency', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = new Set(
    sources.flatMap((file) => importsOf(file).packages).filter((name) => !name.startsWith('node:')),
  );
  const missing = [...named].filter((name) => !Object.hasOwn(dependencies, name.split('/')[0] ?? ''));
  assert.equal(missing, []);
  const unused = Object.keys(dependencies).filter(
    (name) => ![...named].some((used) => used.split('/')[0] === name),
  );
  assert.equal(unused, []);
});

test('every test file runs: each of its suites, as its last statements', () => {
  const files = filesUnder('test', '.test.ts');
  assert.ok(files.length > 10, 'the tests were found');
  const silent = files.filter((file) => {
    const text = readFileSync(join(root, 'test', file), 'utf8');
    const suites = [...text.matchAll(/const (\w+) = suite(?:<[^>]*>)?\(/g)].map((match) => match[1] ?? '');
    const lastLine = text.trimEnd().split('\n').at(-1) ?? '';
    return (
      suites.length === 0 ||
      suites.some((name) => !text.includes(`${name}.run();`)) ||
      !lastLine.endsWith('.run();')
    );
  });
  assert.equal(silent, []);
});

test('a test file that changes what its process has says that it runs in one of its own', () => {
  const changes =
    /process\.env\S+ =[^=]|process\.(?:on|once|chdir|umask)\(|mock\.timers|setFlagsFromString\(|syncBuiltinESMExports\(|globalThis as/;
  const changing = filesUnder('test', '.test.ts').filter((file) => {
    const text = readFileSync(join(root, 'test', file), 'utf8');
    const [opening = ''] = text.split('\n\n', 1);
    return changes.test(text) && !/in a process of its own|takes long/.test(opening);
  });
  assert.equal(changing, ['architecture.test.ts', 'run.test.ts'], 'which only write of it');
});

test('no test is left out or alone', () => {
  const marked = filesUnder('test', '.test.ts').filter((file) => {
    if (file === 'architecture.test.ts') return false;
    return /\b\w+\.(skip|only)\(/.test(readFileSync(join(root, 'test', file), 'utf8'));
  });
  assert.equal(marked, []);
});

test('every source file says what it is', () => {
  const mute = sources.filter((file) => !readFileSync(join(root, 'src', file), 'utf8').startsWith('// '));
  assert.equal(mute, []);
});

test.run();
