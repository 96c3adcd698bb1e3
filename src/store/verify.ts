// The verification of a database: reads everything, as of one moment, while the server goes on, and says everything that
// is wrong; a repair mends what can be mended from the rest. The operations of the core call it.

import { hasCode } from '../errors.ts';
import { checkEntry, nameOfPart } from './check-entry.ts';
import { ProjectCheck, type ProjectCheckOptions } from './check-project.ts';
import { seal } from './digest.ts';
import type { Finding } from './findings.ts';
import { ProjectKeys, type Section } from './keys.ts';
import { readKey, type StoredKey } from './read-key.ts';
import { allKeys, projectKey } from './store-keys.ts';
import { scanWithProgress, type OnProgress } from './scan-with-progress.ts';
import { firstOf, type Entry, type Store } from './store.ts';

export interface VerifyOptions extends ProjectCheckOptions {
  readonly onProgress?: OnProgress | undefined;
  /** The projects of which the witness knows. */
  readonly witnessedProjects: () => AsyncIterable<string> | Iterable<string>;
  /** Gives up between two pages. */
  readonly stopping: AbortSignal;
}

/** How many there are of each kind, for people. */
export type VerifiedCounts = Readonly<Record<string, number>>;

/** @returns how many entries of each kind there are. */
export async function verifyStore(store: Store, options: VerifyOptions): Promise<VerifiedCounts> {
  const counts = new Map<string, number>();
  let current = null as ProjectCheck | null;
  for await (const page of scanWithProgress(store, allKeys, options.onProgress)) {
    options.stopping.throwIfAborted();
    for (const entry of page) {
      const place = readKey(entry.key);
      const kind = kindOf(place);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (place?.type !== 'data') {
        await current?.end();
        current = null;
        await checkOther(store, entry, place, options);
        continue;
      }
      if (current?.project !== place.project) {
        await current?.end();
        current = await ProjectCheck.begin(store, place.project, options);
      }
      await current.take(entry, place);
    }
    await current?.checkPlaces();
  }
  await current?.end();
  for await (const project of options.witnessedProjects()) {
    options.stopping.throwIfAborted();
    await checkWitnessed(store, project, options);
  }
  return Object.fromEntries(counts);
}

/** Of a project that is lost altogether only the witness knows. */
async function checkWitnessed(
  store: Store,
  project: string,
  { witnessed, onFinding }: VerifyOptions,
): Promise<void> {
  if (await store.get(projectKey(project))) return;
  if (await firstOf(store, new ProjectKeys(project).allButArrivals())) return; // told with what is left of it
  const position = (await witnessed(project))?.position ?? 0;
  if (position === 0) return;
  const problem = `its log, of ${position} changes, is lost, and its entry in the catalogue`;
  onFinding({ project, position: null, numbers: null, problem, remedy: 'peer' });
}

/** The same for all that is kept of one project, but for its entry in the catalogue. */
export async function verifyProject(
  store: Store,
  project: string,
  options: ProjectCheckOptions & Pick<VerifyOptions, 'stopping'>,
): Promise<void> {
  const check = await ProjectCheck.begin(store, project, options);
  for await (const page of store.scan(new ProjectKeys(project).all())) {
    options.stopping.throwIfAborted();
    for (const entry of page) {
      const place = readKey(entry.key);
      if (place?.type === 'data') await check.take(entry, place);
    }
    await check.checkPlaces();
  }
  await check.end();
}

const kindsOfSections: Readonly<Record<Section, string>> = {
  record: 'records',
  sequence: 'index entries',
  uuid: 'index entries',
  version: 'versions',
  clients: 'clientIDs',
  topLevelKeys: 'marks',
  snapshot: 'parts of snapshots',
  idempotency: 'answers',
  samples: 'samples',
  upkeep: 'marks',
  postings: 'index entries',
  indexMark: 'marks',
  udtChanges: 'index entries',
  unkeptPatches: 'index entries',
  quarantine: 'marks',
  arrivals: 'parts from other servers',
  unordered: 'marks',
  repeats: 'index entries',
};

function kindOf(place: StoredKey | null): string {
  switch (place?.type) {
    case undefined:
      return 'unknown entries';
    case 'data':
      return kindsOfSections[place.section];
    case 'project':
      return 'projects';
    case 'holder':
      return 'index entries';
    case 'store':
    case 'unfinished':
    case 'purge':
      return 'marks';
  }
}

/** What is kept of the whole store. */
async function checkOther(
  store: Store,
  entry: Entry,
  place: Exclude<StoredKey, { type: 'data' }> | null,
  { isRepair, onFinding }: VerifyOptions,
): Promise<void> {
  const tell = (problem: string, remedy: Finding['remedy']): void => {
    const project = place && 'project' in place ? place.project : null;
    onFinding({ project, position: null, numbers: null, problem, remedy });
  };
  if (!place) {
    tell(nameOfPart(entry.key, place), 'harmless');
    return;
  }
  try {
    checkEntry(entry, place);
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    const name = nameOfPart(entry.key, place);
    if (place.type === 'store') tell(`${name} is damaged: the next start writes it anew`, 'harmless');
    else if (place.type === 'project') tell(`${name} is damaged`, 'peer');
    else {
      // Its key says all.
      if (isRepair) await store.write([{ key: entry.key, value: seal(entry.key, new Uint8Array()) }]);
      tell(`${name} is damaged`, isRepair ? 'mended' : 'mendable');
    }
  }
}
