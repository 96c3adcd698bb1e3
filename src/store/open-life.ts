// Which life a database is in, when it is opened: a new one for a new folder, for a copy, and after damage; else the one
// it was in. Called by the data folder.

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { RejoinError, hasCode } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { sealJson, unsealJson } from './digest.ts';
import type { Evidence } from './evidence.ts';
import { areHoldersComplete, writeHoldersMark } from './index-marks.ts';
import { formatKey } from './store-keys.ts';
import { readLife, readLifeReason, takeNewLife, type Life } from './life.ts';
import { checkMarker, markerName, writeMarker } from './marker.ts';
import { listProjectIds, readProjectInfo } from './project-info.ts';
import { firstOf, type Store } from './store.ts';

/** The format that this release writes. It reads this one and the one before; a newer one is refused. */
export const dataFormat = 3;

/** Why a life was taken, in its record. */
const damageReason = 'damage was found on open';

export interface LifeOptions {
  readonly databaseFolder: string;
  readonly environment: Environment;
  /** The server id for a new folder, instead of a random one. */
  readonly serverId: number | undefined;
  readonly evidence: Evidence;
  /** It was restored from a backup: it takes a new server id whatever its marker says. */
  readonly isRestored: boolean;
  /** What was found to be wrong with the database so far, one clause each: any of it costs the server id (REP-8). */
  readonly damage: readonly string[];
}

/**
 * @returns also the server id that the database had before, which may be the same; null if it had none.
 * @throws RejoinError `data-newer`; `data-unusable` for a database of another program.
 */
export async function openLife(
  store: Store,
  options: LifeOptions,
): Promise<{ life: Life; warnings: string[]; previousServerId: number | null; isDamaged: boolean }> {
  const { databaseFolder, environment, serverId, evidence, isRestored } = options;
  const damage = [...options.damage];
  const format = await checkFormat(store, databaseFolder, damage);
  const formatWrite = { key: formatKey, value: sealJson(formatKey, dataFormat) };
  if (format === 'new') {
    const made = await takeNewLife(store, environment, 'a new folder', { serverId, more: [formatWrite] });
    await store.write([writeHoldersMark(made.serverId)]); // nothing is there that isn't indexed
    await writeMarker(databaseFolder, made);
  }
  const before = await readUndamaged('the server id', damage, () => readLife(store));
  if (!before && damage.length === 0) damage.push('the server id is lost');

  const warnings: string[] = [];
  // Whoever opened it then, a command or a server that was killed, may not have looked at what is lost.
  const wasDamaged = before !== undefined && (await isOfDamage(store, before));
  let life = before;
  if (!life || damage.length > 0) {
    await evidence.keep();
    life = await takeNewLife(store, environment, damageReason, { more: [formatWrite] });
    await writeMarker(databaseFolder, life);
    warnings.push(...damage.map((what) => `The database was damaged: ${what}`));
    warnings.push(
      `What the damage destroyed is lost, everything else is served. The database as it was found is in ${evidence.place}. From now on this server writes under the new server id ${life.serverId}${before ? ` instead of ${before.serverId}` : ''}`,
    );
  }
  const { copied, warning } = isRestored
    ? { copied: damage.length > 0 ? null : 'it was restored', warning: null }
    : await checkMarker(databaseFolder, life);
  if (warning !== null) warnings.push(warning);
  if (copied !== null) {
    const copiedId = life.serverId;
    life = await takeNewLife(store, environment, copied);
    await writeMarker(databaseFolder, life);
    if (!isRestored)
      warnings.push(
        `The data folder was copied or restored (${copied}): it takes the new server id ${life.serverId} instead of ${copiedId}`,
      );
  }
  // An older release must not write here any more: it would index nothing of it.
  if (format === 'older') await store.write([formatWrite]);
  if (serverId !== undefined && serverId !== life.serverId) {
    warnings.push(
      `--server-id ${serverId} is ignored: the folder already has server id ${life.serverId}, for life`,
    );
  }
  return {
    life,
    warnings,
    previousServerId: before?.serverId ?? null,
    isDamaged: damage.length > 0 || wasDamaged,
  };
}

/** Whether this life was taken because of damage, and not all has been read since: who has read all of it says so in the index. */
async function isOfDamage(store: Store, { serverId }: Life): Promise<boolean> {
  return (await readLifeReason(store)) === damageReason && !(await areHoldersComplete(store, serverId));
}

/** What is wrong is added to `damage`. */
async function checkFormat(
  store: Store,
  databaseFolder: string,
  damage: string[],
): Promise<'new' | 'older' | 'known'> {
  const damageBefore = damage.length;
  const format = await readUndamaged('the format version', damage, async () => {
    const sealed = await store.get(formatKey);
    return sealed && unsealJson(formatKey, sealed);
  });
  if (typeof format === 'number' && format > dataFormat) {
    throw new RejoinError(
      'data-newer',
      `The database ${databaseFolder} has format ${format}, this release reads up to ${dataFormat}: use a newer rejoin`,
    );
  }
  if (typeof format === 'number' && format < dataFormat) return 'older';
  if (format !== undefined || damage.length > damageBefore) return 'known';
  const everything = { from: Buffer.from([0]), before: Buffer.from([0xff]) };
  if ((await firstOf(store, everything)) === undefined) return damageBefore === 0 ? 'new' : 'known';
  // The marker is written when the format is on disk: then it was there, and is lost.
  if (!(await isOurs(store, databaseFolder)))
    throw new RejoinError('data-unusable', `The database ${databaseFolder} was not made by rejoin`);
  damage.push('the format version is lost');
  return 'known';
}

/** By its marker, which a copy doesn't have, or by anything in it that only rejoin writes: damage leaves some of it. */
async function isOurs(store: Store, databaseFolder: string): Promise<boolean> {
  const hasMarker = await access(join(databaseFolder, markerName)).then(
    () => true,
    () => false,
  );
  if (hasMarker || (await readUndamaged('', [], () => readLife(store))) !== undefined) return true;
  for await (const project of listProjectIds(store))
    if ((await readUndamaged('', [], () => readProjectInfo(store, project))) !== undefined) return true;
  return false;
}

/** What `read` returns, or undefined if what it reads is damaged, which is added to `damage`. */
async function readUndamaged<T>(
  what: string,
  damage: string[],
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    damage.push(`${what}: ${error.message}`);
    return undefined;
  }
}
