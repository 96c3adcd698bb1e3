// `<data>/control.json`: where the server that has the data folder answers to commands (control.ts), and what it wants to be shown. It
// names itself, so that one that came along with a copy of the folder leads nobody to the server of the original.

import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export const controlFileName = 'control.json';

const controlFileShape = z.object({
  /** `http://127.0.0.1:PORT`. */
  url: z.string(),
  token: z.string(),
  pid: z.number(),
  /** Of this file: a copy has another one. */
  inode: z.string(),
  device: z.string(),
});

export type ControlAddress = Omit<z.infer<typeof controlFileShape>, 'inode' | 'device'>;

/** Only its owner may read it; whoever does reads all of it. */
export async function writeControlFile(folder: string, { url, token, pid }: ControlAddress): Promise<void> {
  const path = join(folder, controlFileName);
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    const content: z.infer<typeof controlFileShape> = { url, token, pid, ...(await placeOf(file)) };
    await file.writeFile(JSON.stringify(content) + '\n');
  } finally {
    await file.close();
  }
  await rename(draft, path); // it stays the same file
}

/** @returns null if there is none, it can't be read, or it was copied here. */
export async function readControlFile(folder: string): Promise<ControlAddress | null> {
  const path = join(folder, controlFileName);
  try {
    const { inode, device, ...address } = controlFileShape.parse(JSON.parse(await readFile(path, 'utf8')));
    const place = await placeOf({ stat: (options) => stat(path, options) });
    return place.inode === inode && place.device === device ? address : null;
  } catch {
    return null; // who has the folder, if anybody has, is found out when it is opened
  }
}

/** What ties a file to its place. */
async function placeOf(file: {
  stat: (options: { bigint: true }) => Promise<{ ino: bigint; dev: bigint }>;
}): Promise<{ inode: string; device: string }> {
  const { ino, dev } = await file.stat({ bigint: true });
  return { inode: String(ino), device: String(dev) };
}
