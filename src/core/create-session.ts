// Makes a project a session, slice by slice: it isn't in the catalogue, and nobody sees it, before the last slice is durable
// (design.md, "A record"). What a crash leaves is removed when the data folder is opened; what an error leaves, here; and what the
// failure of the store leaves, when the log is read again.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError, hasCode } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Origin } from '../model/origin.ts';
import type { SessionPart } from '../store/project-log.ts';
import { removeUnfinishedSession } from '../store/unfinished-sessions.ts';
import { DocumentTail } from './document-tail.ts';
import { DocumentLoader } from './document.ts';
import { useIdForEdits } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';
import { nothingNew, sessionSlices } from './session-slices.ts';
import type { UdtState } from './udt-versions.ts';

/** Called with how many elements of the file are stored, of how many. */
export type OnProgress = (done: number, total: number) => void;

/** So many slices may be on their way to the disk. */
const slicesInFlightMax = 8;

/**
 * To be called in the project's turn.
 * @returns the state, and when it is durable.
 * @throws RejoinError `conflict` if there is such a project.
 */
export async function createSession(
  state: ProjectState,
  udt: JsonObject,
  origin: Origin,
  onProgress?: OnProgress,
): Promise<{ state: UdtState; durable: Promise<void> }> {
  await state.writable();
  if (state.log.info)
    throw new RejoinError('conflict', `The project ${JSON.stringify(state.id)} exists already`);
  try {
    return await state.mutate(() => createInSlices(state, udt, origin, onProgress));
  } catch (error) {
    await state.log.settled().catch(() => undefined); // its writer hears of it
    await removeUnfinishedSession(state.context.store, state.id).catch(() => undefined); // who reads the log next will
    if (!hasCode(error, 'outcome-unknown')) throw error;
    // Without its last slice there is no session, whatever is on disk of those before: it may be tried again.
    throw new RejoinError('unavailable', 'The store failed while the session was being created', {
      cause: error,
    });
  }
}

async function createInSlices(
  state: ProjectState,
  udt: JsonObject,
  origin: Origin,
  onProgress: OnProgress | undefined,
): Promise<{ state: UdtState; durable: Promise<void> }> {
  const { log, keeper, context } = state;
  const loader = new DocumentLoader();
  const tail = new DocumentTail(0, context.sizes.snapshotChanges);
  const inFlight: Promise<void>[] = [];
  let writes = useIdForEdits(log, loader.doc, context.environment);
  let kind: SessionPart = 'session';
  let held: Uint8Array | null = null;
  for (const { update, done, total } of sessionSlices(loader.doc, udt, context.sizes)) {
    if (held) {
      const group = { origin, update: held, changes: [{ kind }], isUnfinished: true };
      inFlight.push(log.submit({ group, writes }));
      [writes, kind] = [[], 'slice'];
      if (inFlight.length >= slicesInFlightMax) await inFlight.shift();
      await otherWork();
    }
    held = update; // the last one goes with what makes all of them count
    tail.add(update);
    onProgress?.(done, total);
  }
  const document = await loader.finish([], (detail) => state.observe('value-not-json', detail));
  const versions = await keeper.versions();
  await Promise.all(inFlight); // from the last slice on the log is a project's: nobody is told of one whose end isn't durable
  const cause = { origin, nowMs: context.environment.now(), position: log.appended.position + 1 };
  const now = { view: document.view, ...document.udt.hashes(), summaryPatch: null };
  const step = versions.first(now, cause, true);
  const changes = [{ kind: kind === 'session' ? kind : 'closing' }] as const;
  const durable = log.submit({
    group: { origin, update: held ?? nothingNew, changes },
    writes: [...writes, ...step.writes],
    settle: () => versions.settle(step.state),
  });
  keeper.adopt({ document, tail, newestSnapshot: 0 });
  state.onUsed();
  return { state: step.state, durable };
}
