// Reads the whole log of a project that has lost changes: what is at each position, and what can be made of the document without
// those that are lost. Nothing is changed. The acceptance of a loss begins with it.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError, hasCode, messageOf } from '../errors.ts';
import { decodeRecord, type LogRecord, type RecordKind } from '../store/record.ts';
import { readLastNumber } from '../store/read-key.ts';
import { findSnapshots, readSnapshot, stateDigestOf, type Snapshot } from '../store/snapshots.ts';
import { applyStored } from './apply-stored.ts';
import { DocumentLoader } from './document.ts';
import type { OpenDocument } from './open-document.ts';
import type { ProjectState } from './project-state.ts';
import { checkUpdate } from './update-check.ts';

/** What is at a position of the log: enough to number it anew. */
export interface Place {
  readonly serverId: number;
  readonly seqno: number;
  readonly groupIndex: number;
  readonly groupSize: number;
  readonly kind: RecordKind;
  readonly timeMs: number;
}

export interface LossSurvey {
  /** The last position that was given. */
  readonly last: number;
  /** By position; none where nothing can be read. */
  readonly places: ReadonlyMap<number, Place>;
  /** What is wrong with each position that has no place. */
  readonly lost: ReadonlyMap<number, string>;
  /** Up to here the document has what was lost, too: a snapshot does, or it is in memory. */
  readonly covered: number;
  /** The first positions of the groups whose updates build on what is lost. */
  readonly unshown: ReadonlySet<number>;
  readonly document: SurveyedDocument;
}

/** The document without what can't be shown: the one in memory if it is open, which is whole. */
export type SurveyedDocument =
  | { readonly type: 'open'; readonly opened: OpenDocument }
  | { readonly type: 'made'; readonly loader: DocumentLoader };

/**
 * To be called in the project's turn, when all that was submitted is durable.
 * @throws RejoinError `conflict` where a snapshot is lost with the changes; `unavailable`.
 */
export async function surveyLoss(state: ProjectState): Promise<LossSurvey> {
  const { log, context, keeper } = state;
  const last = log.durablePosition;
  const { current } = keeper;
  const base = current ? { loader: new DocumentLoader(), position: last } : await newestBase(state);
  const made = new MadeDocument(base.loader);
  const found = new FoundPlaces(last);
  for await (const page of context.store.scan(log.keys.records(1, last))) {
    for (const { key, value } of page) {
      const position = readLastNumber(key);
      const record = found.take(position, value) ?? whatIsLeft(value);
      if (!record || record.groupIndex > 0 || position <= base.position) continue;
      if (!record.update)
        throw new RejoinError(
          'conflict',
          `More is lost of ${JSON.stringify(state.id)} than these changes: the update at position ${position} was compacted away, and the snapshot that stood for it can't be read. A backup, or a server that has the project, may still have all`,
        );
      made.add(position, record.update);
    }
    await otherWork();
  }
  found.end();
  const unshown = made.end();
  return {
    last,
    places: found.places,
    lost: found.lost,
    covered: base.position,
    unshown,
    document: current ? { type: 'open', opened: current } : { type: 'made', loader: base.loader },
  };
}

/** Of a record whose object is damaged the update may be whole: then what builds on it need not be given up. */
function whatIsLeft(value: Uint8Array): LogRecord | null {
  try {
    const record = decodeRecord(value, 'update');
    return record.update ? record : null;
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    return null;
  }
}

/** The newest snapshot that is whole; an empty document if there is none. */
async function newestBase(state: ProjectState): Promise<{ loader: DocumentLoader; position: number }> {
  const { context, log } = state;
  const tell = (detail: string): void => state.observe('damage', detail);
  for await (const snapshot of findSnapshots(context.store, log.keys, tell)) {
    const loader = await loadSnapshot(state, snapshot);
    if (loader) return { loader, position: snapshot.position };
  }
  return { loader: new DocumentLoader(), position: 0 };
}

async function loadSnapshot(
  { context, log }: ProjectState,
  snapshot: Snapshot,
): Promise<DocumentLoader | null> {
  const loader = new DocumentLoader();
  try {
    for await (const piece of readSnapshot(context.store, log.keys, snapshot)) await loader.add([piece]);
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    return null; // who opens the document tells it
  }
  const isWhole = loader.lack === null && stateDigestOf(loader.clocks) === snapshot.stateDigest;
  return isWhole ? loader : null;
}

/** Sorts positions into those that can be read and those that are lost. */
class FoundPlaces {
  readonly places = new Map<number, Place>();
  readonly lost = new Map<number, string>();
  private readonly seqnos = new Map<number, number>();
  private next = 1;

  constructor(private readonly last: number) {}

  take(position: number, value: Uint8Array): LogRecord | null {
    this.missUpTo(position - 1);
    this.next = position + 1;
    const record = this.decode(position, value);
    if (!record) return null;
    const { serverId, seqno, groupIndex, groupSize, kind, timeMs } = record;
    if (seqno <= (this.seqnos.get(serverId) ?? 0)) {
      this.lost.set(position, 'is another one');
      return null;
    }
    this.seqnos.set(serverId, seqno);
    this.places.set(position, { serverId, seqno, groupIndex, groupSize, kind, timeMs });
    return record;
  }

  end(): void {
    this.missUpTo(this.last);
  }

  private decode(position: number, value: Uint8Array): LogRecord | null {
    try {
      return decodeRecord(value);
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      this.lost.set(position, `is damaged: ${messageOf(error)}`);
      return null;
    }
  }

  private missUpTo(position: number): void {
    for (let missing = this.next; missing <= position; missing++) this.lost.set(missing, 'is missing');
  }
}

/** The document as it grows by updates of which some may lack what they build on. Each is taken whole or not at all. */
class MadeDocument {
  private waiting: { readonly position: number; readonly update: Uint8Array }[] = [];

  constructor(private readonly loader: DocumentLoader) {}

  add(position: number, update: Uint8Array): void {
    if (!this.apply(update)) this.waiting.push({ position, update });
  }

  /** What was put back once may lie behind what builds on it. @returns the positions of those that can't be taken. */
  end(): Set<number> {
    for (let before = Infinity; this.waiting.length < before;) {
      before = this.waiting.length;
      this.waiting = this.waiting.filter(({ update }) => !this.apply(update));
    }
    return new Set(this.waiting.map(({ position }) => position));
  }

  private apply(update: Uint8Array): boolean {
    const { doc } = this.loader;
    if (!fits(this.loader, update)) return false;
    applyStored(doc, [update]);
    return true;
  }
}

function fits({ doc }: DocumentLoader, update: Uint8Array): boolean {
  try {
    return checkUpdate(doc, update).type === 'fits';
  } catch (error) {
    if (hasCode(error, 'undecodable')) return false;
    throw error;
  }
}
