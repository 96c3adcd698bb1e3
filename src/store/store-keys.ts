// The keys of what isn't of one project alone (docs/format.md): what the store is, the catalogue, and which projects have objects
// of a report or a topic.

import type { Match } from '../model/selection.ts';
import { behindZero, bounded, escaped, escapedBytes, readEscaped } from './key-parts.ts';
import type { Range } from './store.ts';

/** Everything that is in a store. */
export const allKeys: Range = { from: Buffer.from([0]), before: Buffer.from([0xff]) };

export const formatKey = Buffer.from('!format');
export const lifeKey = Buffer.from('!life');
export const holdersMarkKey = Buffer.from('!index');

/** project → what it is: the catalogue. */
export function projectKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('p'), escaped(project)]);
}

export const allProjects: Range = { from: Buffer.from('p'), before: Buffer.from('q') };

/** project → a session that is being created: it isn't in the catalogue yet. */
export function unfinishedKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('n'), escaped(project)]);
}

export const allUnfinished: Range = { from: Buffer.from('n'), before: Buffer.from('o') };

/** project → its keys are being removed, for good. */
export function purgeKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('q'), escaped(project)]);
}

export const allPurges: Range = { from: Buffer.from('q'), before: Buffer.from('r') };

/** report or topic, project → the project has objects of it. */
export function holderKey(match: Match, project: string): Buffer {
  return Buffer.concat([...holdersParts(match), escaped(project)]);
}

/** The keys of all projects that have objects of a report or a topic. */
export function holdersOf(match: Match): Range {
  const from = holdersPrefix(match);
  return { from, before: behindZero(from) };
}

/** The project in a key of `holdersOf`. */
export function projectOfHolderKey(match: Match, key: Uint8Array): string {
  return readEscaped(key.subarray(holdersPrefix(match).length));
}

/** The keys of all reports and topics, of all projects. */
export const allHolders: Range = { from: Buffer.from('h'), before: Buffer.from('i') };

/** Whether a key of `allHolders` is that of a project. */
export function isHolder(key: Uint8Array, project: string): boolean {
  const behindValue = key.indexOf(0) + 1; // what is escaped has no zero but that at its end
  return Buffer.compare(key.subarray(behindValue), escaped(project)) === 0;
}

function holdersPrefix(match: Match): Buffer {
  return Buffer.concat(holdersParts(match));
}

function holdersParts({ field, value }: Match): Buffer[] {
  return [Buffer.from('h' + field.charAt(0)), escapedBytes(bounded(value))];
}

/** The id in a key of the catalogue, of an unfinished session, or of a purge. */
export function projectOfKey(key: Uint8Array): string {
  return readEscaped(key.subarray(1));
}
