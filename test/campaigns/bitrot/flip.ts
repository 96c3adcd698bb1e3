// One bit of one file of a data folder, turned over: what a disk or a memory that fails does without a word.

import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chance } from '../kill9/chance.ts';

export const fileKinds = ['.log', '.ldb', 'MANIFEST', 'CURRENT', 'witness'] as const;
export type FileKind = (typeof fileKinds)[number];

export interface Flip {
  readonly kind: FileKind;
  /** Within the data folder. */
  readonly file: string;
  readonly offset: number;
  readonly bit: number;
}

/** How often each kind is hit: logs and tables hold the data, the small files decide what is read of them. */
const draws = [
  ...Array<FileKind>(6).fill('.log'),
  ...Array<FileKind>(7).fill('.ldb'),
  ...Array<FileKind>(3).fill('MANIFEST'),
  ...Array<FileKind>(2).fill('CURRENT'),
  ...Array<FileKind>(2).fill('witness'),
] as unknown as readonly [FileKind, ...FileKind[]];

/** Behind damage LevelDB leaves out the rest of a block of 32 KiB: at the end of a log that is the end of what was written. */
const endBytes = 48 * 1024;

/** A bit of a random file that has any, in a database that nobody has open. */
export async function randomFlip(data: string, chance: Chance): Promise<Flip> {
  const kind = chance.pick(draws);
  const folder = kind === 'witness' ? 'witness' : 'db';
  const files: { file: string; size: number }[] = [];
  for (const name of (await readdir(join(data, folder))).sort()) {
    const { size } = await stat(join(data, folder, name));
    if (size > 0 && isOfKind(name, kind)) files.push({ file: join(folder, name), size });
  }
  const [first, ...others] = files;
  if (!first) return randomFlip(data, chance); // a log may be empty
  const { file, size } = chance.pick([first, ...others]);
  // What a flip at the end of a log does is the hardest to tell from a crash, and may have numbers given again.
  const from = kind === '.log' && chance.oneIn(2) ? Math.max(0, size - endBytes) : 0;
  return { kind, file, offset: chance.integer(from, size - 1), bit: chance.integer(0, 7) };
}

export async function applyFlip(data: string, { file, offset, bit }: Flip): Promise<void> {
  const handle = await open(join(data, file), 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit), 0);
    await handle.write(byte, 0, 1, offset);
  } finally {
    await handle.close();
  }
}

function isOfKind(name: string, kind: FileKind): boolean {
  switch (kind) {
    case '.log':
    case '.ldb':
      return name.endsWith(kind);
    case 'MANIFEST':
    case 'CURRENT':
      return name.startsWith(kind);
    case 'witness':
      return /\.(?:log|ldb)$|^MANIFEST|^CURRENT/.test(name);
  }
}
