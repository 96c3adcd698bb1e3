// What a project has in memory while its document is open: the document, and how much of the log no snapshot covers.

import { RejoinError, hasCode, messageOf } from '../errors.ts';
import { findSnapshots, readSnapshot, stateDigestOf, type Snapshot } from '../store/snapshots.ts';
import { DocumentLoader, type ProjectDocument } from './document.ts';
import { DocumentTail } from './document-tail.ts';
import type { LiveLog } from './live-log.ts';
import type { ProjectContext } from './project-context.ts';
import type { ObservedEvent } from './observer.ts';
import { readSampleChanges } from './sample-changes.ts';
import type { SampleChanges } from './udt-samples.ts';

export interface OpenDocument {
  readonly document: ProjectDocument;
  readonly tail: DocumentTail;
  /** The position of the newest snapshot; 0 if there is none. */
  newestSnapshot: number;
}

/** What is added to what the log has made of a document. */
export interface Addition {
  /** The log counts up to this position. */
  readonly behind: number;
  /** Adds the rest. May be called again, for another document. */
  readonly add: (loader: DocumentLoader) => Promise<void>;
  /** What is kept of the samples, changed by what was added. */
  readonly count: (stored: readonly SampleChanges[]) => readonly SampleChanges[];
}

type Kept = Pick<ProjectContext, 'store' | 'sizes'>;

type Observe = (type: Extract<ObservedEvent['type'], 'damage' | 'value-not-json'>, detail: string) => void;

/**
 * Makes the document from its newest snapshot and the log after it. What was submitted before is durable first.
 * @param addition default: none.
 * @throws RejoinError `damaged` if the document can't be made whole; `unavailable`.
 */
export async function openDocument(
  log: LiveLog,
  context: Kept,
  observe: Observe,
  addition: Addition | null = null,
): Promise<OpenDocument> {
  await log.durable();
  return loadDocument(log, context, observe, addition);
}

/** A snapshot that is damaged is told, and an older one tried, and at last the whole log. */
async function loadDocument(
  log: LiveLog,
  context: Kept,
  observe: Observe,
  addition: Addition | null,
): Promise<OpenDocument> {
  let failure: RejoinError | null = null;
  const tell = (detail: string): void => observe('damage', detail);
  for await (const snapshot of orNone(findSnapshots(context.store, log.keys, tell))) {
    if (snapshot && addition && snapshot.position > addition.behind) continue; // it isn't known to be whole
    try {
      return await loadFrom(snapshot, log, context, observe, addition);
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      tell(messageOf(error));
      failure ??= error;
    }
  }
  throw failure ?? new RejoinError('internal', 'No way to load the document was tried');
}

async function* orNone(snapshots: AsyncIterable<Snapshot>): AsyncGenerator<Snapshot | null> {
  yield* snapshots;
  yield null;
}

async function loadFrom(
  snapshot: Snapshot | null,
  log: LiveLog,
  { store, sizes }: Kept,
  observe: Observe,
  addition: Addition | null,
): Promise<OpenDocument> {
  const loader = new DocumentLoader();
  if (snapshot) {
    for await (const piece of readSnapshot(store, log.keys, snapshot)) await loader.add([piece]);
    if (stateDigestOf(loader.clocks) !== snapshot.stateDigest)
      throw new RejoinError(
        'damaged',
        `The snapshot at position ${snapshot.position} makes another document`,
      );
  }
  const tail = new DocumentTail(snapshot?.bytes ?? 0, sizes.snapshotChanges);
  const last = addition?.behind ?? log.durablePosition;
  for await (const page of log.readStored((snapshot?.position ?? 0) + 1, last)) {
    const updates: Uint8Array[] = [];
    for (const { groupIndex, update, position } of page) {
      if (groupIndex > 0) continue;
      if (!update)
        throw new RejoinError(
          'damaged',
          `The update at position ${position} was compacted away, and no snapshot that covers it can be read`,
        );
      updates.push(update);
      tail.add(update);
    }
    await loader.add(updates);
  }
  await addition?.add(loader);
  const changes = await readSampleChanges(store, log.keys, (detail) => observe('damage', detail));
  const document = await loader.finish(addition?.count(changes) ?? changes, (detail) =>
    observe('value-not-json', detail),
  );
  return { document, tail, newestSnapshot: snapshot?.position ?? 0 };
}
