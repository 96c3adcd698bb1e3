// Opens the database of a data folder with a look at its files first; a damaged one is kept as evidence, mended, and
// opened with what is left of it. Called by the data folder.

import { join } from 'node:path';
import { RejoinError, hasCode, messageOf } from '../errors.ts';
import type { Evidence } from './evidence.ts';
import { isThere } from './is-there.ts';
import { checkLevelFiles, type LevelFindings } from './level-files.ts';
import { LevelStore } from './level.ts';
import { markerName } from './marker.ts';
import { mendLevelFiles, repairLevelFiles } from './mend-level-files.ts';

export interface OpenedDatabase {
  readonly store: LevelStore;
  /** What was wrong with it, one clause each. */
  readonly damage: readonly string[];
  /** What else the operator should know: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * @param wasStopped whether the server stopped in an orderly way.
 * @throws RejoinError `data-in-use`; `data-unusable` if no repair helps.
 */
export async function openDatabase(
  folder: string,
  evidence: Evidence,
  wasStopped: boolean,
): Promise<OpenedDatabase> {
  const findings = await checkLevelFiles(folder, wasStopped);
  const damage = [...findings.damage];
  // The marker is written behind the database.
  if (findings.isNew && (await isThere(join(folder, markerName)))) damage.push('its files are gone');
  const warnings = findings.torn.map(tornWarning);
  if (damage.length === 0) {
    try {
      return { store: await LevelStore.open(folder), damage, warnings };
    } catch (error) {
      // LevelDB has found something that the checks have not. What can't even be read won't get better by a repair.
      if (!isCorruption(error)) throw error;
      damage.push(messageOf(error));
      const mending = { ...findings.mending, needsRepair: true };
      return { store: await openMended(folder, evidence, mending), damage, warnings };
    }
  }
  return { store: await openMended(folder, evidence, findings.mending), damage, warnings };
}

async function openMended(
  folder: string,
  evidence: Evidence,
  mending: LevelFindings['mending'],
): Promise<LevelStore> {
  // Damage was found without the database's lock; a repair takes none.
  if (await LevelStore.isInUse(folder))
    throw new RejoinError('data-in-use', `The database ${folder} is in use`);
  await evidence.keep();
  try {
    await mendLevelFiles(folder, mending);
    return await openOrRepair(folder, mending);
  } catch (cause) {
    const message = `The database ${folder} is damaged and can't be repaired (${messageOf(cause)}): restore a backup; as it was found it is in ${evidence.place}`;
    throw new RejoinError('data-unusable', message, { cause });
  }
}

async function openOrRepair(folder: string, mending: LevelFindings['mending']): Promise<LevelStore> {
  try {
    return await LevelStore.open(folder);
  } catch (error) {
    if (mending.needsRepair || !isCorruption(error)) throw error;
    await repairLevelFiles(folder, mending);
    return LevelStore.open(folder);
  }
}

function tornWarning({ file, bytes }: LevelFindings['torn'][number]): string {
  return `The last write before the server ended was cut off: the last ${bytes} bytes of ${file} are left out. That is what a crash leaves; nothing that was acknowledged should be missing`;
}

function isCorruption(error: unknown): boolean {
  return hasCode(error, 'data-unusable') && /corruption/i.test(error.message);
}
