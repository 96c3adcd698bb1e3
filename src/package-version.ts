// The version that package.json says. Every command that prints it calls this. It lies here and not in a folder, because the
// build keeps this depth alone for all modules.

import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version }: { version?: unknown } = JSON.parse(text) as object;
  return String(version);
}
