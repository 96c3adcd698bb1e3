// Takes over what came with another server's snapshot (REP-7), in the project's turn and all of it before anybody writes again: the
// document that the snapshot makes with what is here, then the records, without their updates where those were compacted away, then
// a snapshot of this server's own, which stands for them. What is interrupted in between is gone on with.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError, messageOf } from '../errors.ts';
import type { Arrival } from '../store/arrivals.ts';
import { readGroups, type ReceivedGroup } from '../store/received-groups.ts';
import { checkReadable } from '../store/snapshots.ts';
import type { Write } from '../store/store.ts';
import { isUdtChange, writeUdtChange } from '../store/udt-changes.ts';
import { isNew, type ArrivalPlan } from './arrival-plan.ts';
import type { DocumentLoader } from './document.ts';
import { beginSnapshot, finishSnapshot } from './make-snapshot.ts';
import { openDocument, type OpenDocument } from './open-document.ts';
import { replaceIdsAmong } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';
import { ReceivedBatch } from './received-batch.ts';
import { objectsIn } from './received-objects.ts';
import { writeSampleChanges } from './sample-changes.ts';
import { TouchedSamples } from './touched-samples.ts';
import type { SampleChanges } from './udt-samples.ts';
import type { UdtStep, UdtVersions } from './udt-versions.ts';

/** The document as it will be. */
export interface JoinedDocument {
  readonly opened: OpenDocument;
  /** Of whom it has more than this server had. */
  readonly newClients: ReadonlySet<number>;
  readonly samples: readonly SampleChanges[];
}

/**
 * The document that is made by the log before a position, by all that came, and by what the log has behind that. Nothing is
 * changed yet.
 * @throws RejoinError `undecodable` if they don't make a whole one; `damaged`, `unavailable`.
 */
export async function joinDocument(
  state: ProjectState,
  arrival: Arrival,
  from: number,
  { lastUdt }: ArrivalPlan,
): Promise<JoinedDocument> {
  let newClients: ReadonlySet<number> = new Set();
  let samples: readonly SampleChanges[] = [];
  let touched: TouchedSamples | null = null;
  const add = async (loader: DocumentLoader): Promise<void> => {
    const before = loader.clocks;
    touched = new TouchedSamples(loader.doc, before);
    await addArrived(loader, arrival);
    const isMore = ([client, clock]: [number, number]): boolean => clock > (before.get(client) ?? 0);
    newClients = new Set([...loader.clocks].filter(isMore).map(([client]) => client));
    await addLogged(loader, state.log, from);
    touched.end();
  };
  const count = (stored: readonly SampleChanges[]): readonly SampleChanges[] => {
    samples = lastUdt && touched ? touched.counted(stored) : [];
    return [...stored, ...samples];
  };
  const addition = { behind: from - 1, add, count };
  const opened = await openDocument(
    state.log,
    state.context,
    (type, detail) => state.observe(type, detail),
    addition,
  );
  return { opened, newClients, samples };
}

async function addArrived(loader: DocumentLoader, arrival: Arrival): Promise<void> {
  for await (const { piece, records } of arrival.read()) {
    const updates = readGroups(records).flatMap(({ update }) => update ?? []);
    try {
      await loader.add(piece.length > 0 ? [piece, ...updates] : updates);
    } catch (cause) {
      throw new RejoinError('undecodable', `A snapshot that came can't be read: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
  if (loader.lack !== null)
    throw new RejoinError('undecodable', `A snapshot that came makes no whole document: ${loader.lack}`);
}

/** Behind where an arrival was begun there may be more than that: it wasn't gone on with while something before it was lost. */
async function addLogged(loader: DocumentLoader, log: ProjectState['log'], from: number): Promise<void> {
  const last = log.durablePosition;
  if (from > last) return;
  for await (const page of log.readStored(from, last))
    await loader.add(page.flatMap(({ update }) => update ?? []));
}

/** To be called when the arrival's mark is durable. @returns how many records were new. */
export async function takeArrival(
  state: ProjectState,
  arrival: Arrival,
  plan: ArrivalPlan,
  joined: JoinedDocument,
): Promise<number> {
  const { log, keeper, context } = state;
  const versions = await keeper.versions();
  await replaceIds(state, joined);
  const taking = { state, plan, joined, versions };
  let changes = 0;
  for await (const { records } of arrival.read()) {
    const known = log.appended.vector;
    const groups = readGroups(records).filter((group) => isNew(group, known));
    changes += await logGroups(taking, groups);
    await otherWork();
  }
  await confirmVersions(taking);
  await makeOwnSnapshot(state, joined.opened);
  if (log.info) await log.submit({ group: null, writes: [arrival.end()] });
  else {
    const createdMs = context.environment.now();
    await log.enter({ createdMs, session: plan.session, tombstone: null }, [arrival.end()]);
  }
  keeper.adopt(joined.opened);
  state.onUsed();
  log.replaced();
  return changes;
}

interface Taking {
  readonly state: ProjectState;
  readonly plan: ArrivalPlan;
  readonly joined: JoinedDocument;
  readonly versions: UdtVersions;
}

async function replaceIds(state: ProjectState, { newClients, opened }: JoinedDocument): Promise<void> {
  const { log, context } = state;
  const ids = replaceIdsAmong(newClients, log, opened.document.doc, context.environment);
  if (!ids) return;
  state.observe('client-ids-replaced', ids.replaced);
  await log.submit({ group: null, writes: [ids.write] });
}

/** Resolves when they are durable, so that no more than one part is in memory. */
async function logGroups(taking: Taking, groups: readonly ReceivedGroup[]): Promise<number> {
  const { state, plan, versions } = taking;
  const received = objectsIn(groups);
  const batch = new ReceivedBatch(state, received);
  const endLookUp = state.log.uuids.lookUpAll([...received.values()]);
  for (const group of groups) {
    const objects = await batch.objectsOf(group);
    const { step, writes } = tellOfUdt(taking, group);
    const settle = (): void => {
      if (step) versions.settle(step.state);
    };
    const isUnfinished = !state.log.info || !completes(group, plan);
    batch.add(group, objects, { isUnfinished, update: null, writes, settle });
  }
  batch.write();
  await batch.durable;
  endLookUp();
  return batch.changes;
}

/** Whether a session is whole with a group: not before its last slice. */
function completes(
  { serverId, records: [first] }: ReceivedGroup,
  { session, isSliced }: ArrivalPlan,
): boolean {
  return serverId === session?.serverId && first?.kind === (isSliced ? 'closing' : 'session');
}

/** All that is changed of `udt` is one version, at the last change that tells of it; no patch leads to it (UDT-10, WS-23). */
function tellOfUdt(
  { state, plan, joined, versions }: Taking,
  { serverId, firstSeqno, records }: ReceivedGroup,
): { step: UdtStep | null; writes: readonly Write[] } {
  const { log, context } = state;
  const index = records.findIndex(isUdtChange);
  const record = records[index];
  if (!record) return { step: null, writes: [] };
  const position = log.appended.position + 1 + index;
  const isLast = plan.lastUdt?.serverId === serverId && plan.lastUdt.seqno === firstSeqno;
  if (!isLast) return { step: null, writes: writeUdtChange(log.keys, position, null) };
  const cause = { origin: record.origin, nowMs: context.environment.now(), position };
  const now = nowOf(joined);
  const isFirst = !log.info && plan.session !== null && !versions.isBegun;
  const step = isFirst ? versions.first(now, cause, false) : versions.rebuild(now, cause);
  return { step, writes: [...step.writes, ...writeSampleChanges(log.keys, joined.samples)] };
}

/** `udt` may be another one though no record tells of it. */
async function confirmVersions({ state, joined, versions, plan }: Taking): Promise<void> {
  const { log, context } = state;
  const { hash, summaryHash } = joined.opened.document.udt.hashes();
  const { latest } = versions;
  if (latest?.hash === hash) return;
  if (!latest) {
    versions.confirm({ hash, summaryHash });
    return;
  }
  const origin = { protocol: 'server', user: plan.session?.user ?? '' } as const;
  const { state: made, writes } = versions.rebuild(nowOf(joined), {
    origin,
    nowMs: context.environment.now(),
    position: null,
  });
  await log.submit({ group: null, writes, settle: () => versions.settle(made) });
}

/** It stands for the updates that didn't come: it is read back before what came is given up. */
async function makeOwnSnapshot({ log, context }: ProjectState, opened: OpenDocument): Promise<void> {
  await log.settled();
  const snapshot = await finishSnapshot(beginSnapshot(log, opened, context.sizes), log, context, {
    settle: () => log.settled(),
    isWanted: () => true,
  });
  if (!snapshot) throw new RejoinError('internal', 'A snapshot that is needed was given up');
  await checkReadable(context.store, log.keys, snapshot);
}

function nowOf({ opened: { document } }: JoinedDocument): Parameters<UdtVersions['rebuild']>[0] {
  return { view: document.view, ...document.udt.hashes(), summaryPatch: null };
}
