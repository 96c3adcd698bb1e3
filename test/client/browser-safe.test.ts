// The client library runs in browsers: what `rejoin/client` imports, at any depth, must be there too.

import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const source = fileURLToPath(new URL('../../src', import.meta.url));
const test = suite('browser-safe');

/** Every import of a file that isn't of types alone, with whether it is made only when it is needed. */
function importsOf(text: string): { name: string; isLate: boolean }[] {
  const early = [...text.matchAll(/(?:^|\n)(?:import|export) (?!type )[^'";]*?from '([^']+)'/g)];
  const late = [...text.matchAll(/\bimport\('([^']+)'\)/g)];
  return [
    ...early.map((match) => ({ name: match[1] ?? '', isLate: false })),
    ...late.map((match) => ({ name: match[1] ?? '', isLate: true })),
  ];
}

test('nothing of Node and no package is loaded, but ws where a platform has no WebSocket', () => {
  const files = new Set<string>();
  const packages: string[] = [];
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { name, isLate } of importsOf(readFileSync(join(source, file), 'utf8'))) {
      if (name.startsWith('.')) visit(normalize(join(dirname(file), name)));
      else packages.push(isLate ? `${name}, late` : name);
    }
  };
  visit('client.ts');
  assert.ok(files.size > 25, `${files.size} files`);
  assert.equal(packages, ['ws, late']);
  const nodeOnly = [...files].filter((file) =>
    /\b(?:Buffer|process|setImmediate|__dirname)\b[.(]/.test(readFileSync(join(source, file), 'utf8')),
  );
  assert.equal(nodeOnly, []);
});

test.run();
