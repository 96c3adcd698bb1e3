// A copy of the repository in which faults are planted: the working tree itself is never changed.

import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import type { PlantedFault, SourceEdit } from './faults.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
/** What the simulation needs. */
const copied = ['src', 'test/simulation', 'test/campaigns', 'test/support', 'package.json', 'tsconfig.json'];

export class FaultyCopy {
  private constructor(readonly folder: string) {}

  static async make(): Promise<FaultyCopy> {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'test'));
    for (const path of copied) await cp(join(repository, path), join(folder, path), { recursive: true });
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
    return new FaultyCopy(folder);
  }

  /**
   * Plants a fault for as long as `run` takes.
   * @throws Error if the source isn't what the fault was made for.
   */
  async with<T>({ name, edits }: PlantedFault, run: () => Promise<T>): Promise<T> {
    const originals = new Map<string, string>();
    try {
      for (const edit of edits) {
        const path = join(this.folder, edit.file);
        const text = await readFile(path, 'utf8');
        if (!originals.has(path)) originals.set(path, text);
        await writeFile(path, plant(name, edit, text));
      }
      return await run();
    } finally {
      for (const [path, text] of originals) await writeFile(path, text);
    }
  }

  remove(): Promise<void> {
    return removeFolder(this.folder);
  }
}

/**
 * @param text of the file. If it has the place not exactly once, white space counts as one space: a change of its layout is none.
 * @returns the text with the fault.
 * @throws Error if the source isn't what the fault was made for.
 */
export function plant(name: string, { file, from, to }: SourceEdit, text: string): string {
  if (text.split(from).length === 2) return text.replace(from, () => to);
  const place = new RegExp(from.trim().split(/\s+/).map(escaped).join('\\s+'), 'g');
  const times = [...text.matchAll(place)].length;
  if (times === 1) return text.replace(place, () => to);
  throw new Error(
    `the fault "${name}" can't be planted: ${file} should have this once, and has it ${times} times: ${from}\nIf the source has moved, test/campaigns/mutants/faults.ts has to follow it`,
  );
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
