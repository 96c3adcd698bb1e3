// The marker file tells whether a data folder is still itself or a copy: it holds its own inode and birth time, which
// a copy or a restored backup doesn't keep (REP-8).

import { open, readFile, stat, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isSystemError, messageOf } from '../errors.ts';
import type { Life } from './life.ts';

const markerShape = z.object({
  what: z.string(),
  serverId: z.number(),
  inode: z.string(),
  /** Nanoseconds since 1970, or null where the file system has none. */
  birthTime: z.string().nullable(),
});

const what = 'Marks this folder as the one where its server id was taken. Do not copy it on its own.';

/** Why the marker doesn't vouch for the folder, or null if it does; `warning` when it can only half vouch. */
export async function checkMarker(
  folder: string,
  life: Life,
): Promise<{ copied: string | null; warning: string | null }> {
  const path = join(folder, markerName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return { copied: 'its marker file is missing', warning: null };
    throw error;
  }
  const marker = readMarker(text);
  if (!marker) return { copied: 'its marker file is damaged', warning: null };
  if (marker.serverId !== life.serverId) {
    return { copied: 'its marker file belongs to another server id', warning: null };
  }
  const { ino, birthtimeNs } = await stat(path, { bigint: true });
  if (marker.inode !== String(ino)) return { copied: 'its marker file was copied', warning: null };
  if (marker.birthTime === null) {
    const warning =
      'The file system keeps no birth times: a restored copy that got the same inode is not noticed';
    return { copied: null, warning };
  }
  if (marker.birthTime !== String(birthtimeNs))
    return { copied: 'its marker file was copied', warning: null };
  return { copied: null, warning: null };
}

/** Marks the folder as the one that `life` was taken in. */
export async function writeMarker(folder: string, life: Life): Promise<void> {
  const path = join(folder, markerName);
  const draft = `${path}.new`;
  const file = await open(draft, 'w');
  try {
    // The change time moves on, so that a birth time that only repeats it is told from a real one.
    await sleep(20);
    await file.chmod(0o644);
    const { ino, birthtimeNs, ctimeNs } = await file.stat({ bigint: true });
    const birthTime = birthtimeNs === 0n || birthtimeNs === ctimeNs ? null : String(birthtimeNs);
    const marker: z.infer<typeof markerShape> = {
      what,
      serverId: life.serverId,
      inode: String(ino),
      birthTime,
    };
    await file.writeFile(JSON.stringify(marker, null, 2) + '\n');
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path); // keeps inode and birth time
  await syncFolder(dirname(path));
}

export const markerName = 'REJOIN-MARKER';

function readMarker(text: string): z.infer<typeof markerShape> | undefined {
  try {
    return markerShape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some systems can't sync a folder; then the marker may be missing after a power cut, which costs a new server id.
    if (!/EINVAL|EPERM|EISDIR|ENOTSUP/.test(messageOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

export function isMissing(error: unknown): boolean {
  return isSystemError(error, 'ENOENT');
}
