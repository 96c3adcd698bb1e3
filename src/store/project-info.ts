// What the catalogue says of a project: that it exists, whether it is one of UDT's sessions, and whether it was
// deleted, or deleted for good. One small value per project, written with the change that makes it true.

import { z } from 'zod';
import { RejoinError, hasCode } from '../errors.ts';
import { sealJson, unsealJson } from './digest.ts';
import { allProjects, projectKey, projectOfKey } from './store-keys.ts';
import { pageEntriesMax, type Store, type Write } from './store.ts';

const infoShape = z.object({
  createdMs: z.number(),
  /** Of a session: the life that created it, and the author. */
  session: z.object({ serverId: z.number(), user: z.string() }).nullable(),
  /** Of a deleted project: its version vector then. Kept for ever (REP-14). */
  tombstone: z
    .object({ deletedMs: z.number(), vector: z.array(z.tuple([z.number(), z.number()])) })
    .nullable(),
  /** How often it was deleted and brought back (REP-14): see `lifecycleOf`. */
  lifecycle: z.number().optional(),
  /** Of one that was made anew of a log which has lost its beginning: the position of the record that `createdMs` is of. */
  toldFrom: z.number().optional(),
  /** When all that the project held here was removed; the tombstone has its numbers. Milliseconds since 1970. */
  purgedMs: z.number().optional(),
  /** Of a log that has lost something: what had been given out until then, so that none of it is given again. */
  damage: z
    .object({
      foundMs: z.number(),
      detail: z.string(),
      position: z.number(),
      vector: z.array(z.tuple([z.number(), z.number()])),
      /** Positions up to that one for which no seqno is known. */
      missing: z.number(),
    })
    .optional(),
  /** The highest numbers that were given before a loss was accepted, of server ids whose changes end earlier since then. */
  givenUp: z.array(z.tuple([z.number(), z.number()])).optional(),
});

export type KnownDamage = NonNullable<z.infer<typeof infoShape>['damage']>;

export type ProjectInfo = z.infer<typeof infoShape>;

/** Of a project that was deleted for good: nothing is higher, so nothing brings it back. */
export const purgedLifecycle = 2 ** 31 - 1;

/** Odd while the project is deleted, 0 if it never was. When two servers meet the higher one holds for both (REP-14). */
export function lifecycleOf(info: ProjectInfo | undefined): number {
  return info?.lifecycle ?? (info?.tombstone ? 1 : 0);
}

export async function readProjectInfo(store: Store, project: string): Promise<ProjectInfo | undefined> {
  const key = projectKey(project);
  const sealed = await store.get(key);
  return sealed && parseInfo(key, sealed);
}

export function writeProjectInfo(project: string, info: ProjectInfo): Write {
  const key = projectKey(project);
  const { damage, lifecycle, purgedMs, toldFrom, givenUp, ...rest } = info;
  const value = {
    ...rest,
    ...(lifecycle !== undefined && { lifecycle }),
    ...(purgedMs !== undefined && { purgedMs }),
    ...(toldFrom !== undefined && { toldFrom }),
    ...(damage && { damage }),
    ...(givenUp && { givenUp }),
  };
  return { key, value: sealJson(key, value) };
}

/** The ids of all projects with what the catalogue says of them, deleted ones too. */
export async function* listProjects(store: Store): AsyncGenerator<{ project: string; info: ProjectInfo }> {
  for await (const page of store.scan(allProjects)) {
    for (const { key, value } of page) yield { project: projectOfKey(key), info: parseInfo(key, value) };
  }
}

export interface CatalogueEntry {
  readonly project: string;
  /** Null if it can't be read. */
  readonly info: ProjectInfo | null;
}

/**
 * A part of the catalogue in the order of its keys, deleted projects too.
 * @param after the id before the first one, which need not exist; null begins with the first.
 */
export async function readCatalogue(
  store: Store,
  after: string | null,
  entriesMax: number,
): Promise<CatalogueEntry[]> {
  const from = after === null ? allProjects.from : Buffer.concat([projectKey(after), Buffer.from([0])]);
  const entries: CatalogueEntry[] = [];
  for await (const page of store.scan({ ...allProjects, from, limit: entriesMax }))
    for (const { key, value } of page)
      entries.push({ project: projectOfKey(key), info: parseInfoOrNull(key, value) });
  return entries;
}

/**
 * The ids of all projects, also of those whose entry is damaged. No scan is open while the caller has one in work: the
 * store would keep for it what is replaced meanwhile.
 */
export async function* listProjectIds(store: Store): AsyncGenerator<string> {
  for (let { from } = allProjects; ;) {
    const keys: Uint8Array[] = [];
    for await (const page of store.scan({ ...allProjects, from, limit: pageEntriesMax }))
      for (const { key } of page) keys.push(key);
    const last = keys.at(-1);
    if (!last) return;
    for (const key of keys) yield projectOfKey(key);
    from = Buffer.concat([last, Buffer.from([0])]); // the first key behind it
  }
}

function parseInfo(key: Uint8Array, sealed: Uint8Array): ProjectInfo {
  const parsed = infoShape.safeParse(unsealJson(key, sealed));
  if (!parsed.success) throw new RejoinError('damaged', 'The catalogue entry of a project is damaged');
  return parsed.data;
}

function parseInfoOrNull(key: Uint8Array, sealed: Uint8Array): ProjectInfo | null {
  try {
    return parseInfo(key, sealed);
  } catch (error) {
    if (hasCode(error, 'damaged')) return null;
    throw error;
  }
}
