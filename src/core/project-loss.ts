// Gives up what the log of one project has lost and nobody gives back, because an operator says so: the project is served again,
// without it. The operations call it.

import { RejoinError, hasCode } from '../errors.ts';
import { highestOf, type VersionVector } from '../model/version-vector.ts';
import type { Finding } from '../store/findings.ts';
import { LostChanges } from '../store/lost-changes.ts';
import { writeProjectInfo } from '../store/project-info.ts';
import { readSequenceKey } from '../store/read-key.ts';
import { readPlace } from '../store/read-place.ts';
import {
  checkReadable,
  removeSnapshot,
  removeSnapshots,
  SnapshotWriter,
  stateDigestOf,
} from '../store/snapshots.ts';
import type { Write } from '../store/store.ts';
import { documentPieces } from './document-pieces.ts';
import type { ProjectDocument } from './document.ts';
import { setObjectsAnew } from './loss-objects.ts';
import { isShown, planLoss, SessionBeginning, type LossPlan } from './loss-plan.ts';
import { surveyLoss, type LossSurvey } from './loss-survey.ts';
import { LossWrites } from './loss-writes.ts';
import type { ProjectState } from './project-state.ts';
import { readSampleChanges, writeSampleChanges } from './sample-changes.ts';
import type { SampleChanges } from './udt-samples.ts';
import type { Upkeep } from './upkeep.ts';

/** What is given up, and what stays. */
export interface Loss {
  /** What is lost, one for each row of changes that lie next to each other. */
  readonly findings: readonly Finding[];
  /** How many changes are lost. */
  readonly lost: number;
  /** Whether the document has what they said all the same. */
  readonly isCovered: boolean;
  /** Changes that are here and build on lost ones, so that the document can't have them. */
  readonly unshown: number;
  /** When the first and the last of them were made; null if there are none. Milliseconds since 1970. */
  readonly unshownFromMs: number | null;
  readonly unshownToMs: number | null;
  /** Objects among them, which are set in the document anew. */
  readonly objects: number;
  /** All other changes. */
  readonly kept: number;
  /** How many changes get a number of this server's. */
  readonly renumbered: number;
}

export class ProjectLoss {
  constructor(
    private readonly state: ProjectState,
    private readonly upkeep: Upkeep,
  ) {}

  /**
   * What would be given up. Nothing is changed.
   * @throws RejoinError `conflict` if nothing is lost, or it can't be given up; `deleted`, `unavailable`.
   */
  look(): Promise<Loss> {
    const { state } = this;
    return state.queue.run(async () => {
      const { survey, plan } = await this.survey();
      return this.describe(survey, plan, await setObjectsAnew(state, survey));
    });
  }

  /**
   * Gives it up, for good. What a crash cuts off is not done, and may be asked for again. No check of the project may run meanwhile.
   * @throws RejoinError as `look`; `outcome-unknown`.
   */
  async accept(): Promise<Loss> {
    const { state } = this;
    const done = { loss: null as Loss | null, failure: null as unknown };
    // In turn with what keeps projects small: that writes to their keys too.
    await this.upkeep.runFor(state.id, async () => {
      try {
        done.loss = await state.writing(() => this.acceptInTurn());
      } catch (error) {
        done.failure = error; // it is told to who asked for it
      }
    });
    if (!done.loss) throw done.failure;
    const { loss } = done;
    const kept = new Set([state.log.durablePosition]);
    void this.upkeep.run(state.id, () => removeSnapshots(state.context.store, state.log.keys, kept));
    const detail = `${loss.lost} lost changes were given up, and ${loss.unshown} that build on them; ${loss.kept} stay`;
    state.observe('loss-accepted', detail);
    return loss;
  }

  private async survey(): Promise<{ survey: LossSurvey; plan: LossPlan }> {
    const { state } = this;
    await state.current();
    await state.log.ready();
    await state.log.durable();
    const survey = await surveyLoss(state);
    const plan = planLoss(state.id, survey, state.log.appended.vector);
    this.checkBeginning(survey);
    await this.checkOthers(survey);
    return { survey, plan };
  }

  private checkBeginning(survey: LossSurvey): void {
    const beginning = new SessionBeginning(survey, this.isSession);
    for (const position of survey.lost.keys())
      if (position > survey.covered && beginning.kindAt(position) !== null)
        throw new RejoinError(
          'conflict',
          `What is lost of ${this.name} is how the session begins: nothing of it would be left. Restore a backup, or link a server that has it`,
        );
  }

  /** Who has written them had what they build on. */
  private async checkOthers(survey: LossSurvey): Promise<void> {
    const { context, log } = this.state;
    const lacking = new Set(this.serversThatLack(survey));
    for (const [position, place] of survey.places) {
      const { serverId } = place;
      if (lacking.has(serverId) || isShown(survey, position, place)) continue;
      const isOwn = serverId === context.life.serverId || serverId === log.info?.session?.serverId;
      if (isOwn || (await context.store.get(log.keys.clients(serverId)))) continue;
      throw new RejoinError(
        'conflict',
        `Changes of server ${serverId} build on what is lost of ${this.name}: that server had it. Link it, or one that is linked with it, and what is lost comes back`,
      );
    }
  }

  /** The server ids of which changes are lost. */
  private serversThatLack({ places }: LossSurvey): number[] {
    const found = new Map<number, number>();
    for (const { serverId } of places.values()) found.set(serverId, (found.get(serverId) ?? 0) + 1);
    const given = this.state.log.appended.vector;
    const highest = highestOf(given, highestIn(places));
    return [...highest].filter(([id, seqno]) => seqno > (found.get(id) ?? 0)).map(([id]) => id);
  }

  private async acceptInTurn(): Promise<Loss> {
    const { state } = this;
    const { log } = state;
    const { survey, plan } = await this.survey();
    await this.preparing(() => this.leaveOwnSequence());
    const objects = await setObjectsAnew(state, survey);
    const loss = await this.describe(survey, plan, objects); // while the index still leads to what is lost
    const { document, writes: counts } = await this.finishDocument(survey);
    try {
      const writes = await this.preparing(() => this.writesOf(survey, plan, document));
      state.checkCurrent();
      // Also if the store fails: what it has when it is open again may be what was to be written.
      state.finishInterrupted = () => this.tellOthers(plan.from);
      await log.submit({ group: null, writes: writes.concat(counts) });
    } finally {
      log.distrust(); // nothing that is in memory is true any more
      state.keeper.drop();
    }
    await state.current();
    return loss;
  }

  /** Whoever follows the log goes by what is stored now. */
  private async tellOthers(from: number): Promise<void> {
    const { context, log, id } = this.state;
    const isWanting = (await context.store.get(log.keys.quarantine)) !== undefined;
    this.state.finishInterrupted = null;
    log.renumbered(from);
    context.wanted.note(id, isWanting);
    context.beginAnew();
  }

  /** What is written before gives up nothing: if it fails, all is done again when the store is well. */
  private async preparing<T>(prepare: () => Promise<T>): Promise<T> {
    try {
      return await prepare();
    } catch (cause) {
      if (!hasCode(cause, 'outcome-unknown')) throw cause;
      this.state.context.recovery.failed(cause);
      throw new RejoinError('unavailable', 'Nothing was given up: the store failed', { cause });
    }
  }

  /** REP-8: what comes may not be numbered under an id whose numbers are given up, and those of one id rise with the positions. */
  private async leaveOwnSequence(): Promise<void> {
    const { context, log } = this.state;
    const own = context.life.serverId;
    if ((log.appended.vector.get(own) ?? 0) === 0) return;
    await context.renewLife(`What is lost of ${this.name} is given up under a new server id`, own);
    await this.state.current();
  }

  private async finishDocument({
    document,
  }: LossSurvey): Promise<{ document: ProjectDocument; writes: readonly Write[] }> {
    if (document.type === 'open') return { document: document.opened.document, writes: [] };
    const { context, log } = this.state;
    const stored = await readSampleChanges(context.store, log.keys, () => undefined);
    // UDT-16: each may have become another one.
    const counts = stored.map(({ item, count }): SampleChanges => ({ item, count: count + 1 }));
    const made = await document.loader.finish(counts, (detail) =>
      this.state.observe('value-not-json', detail),
    );
    return { document: made, writes: writeSampleChanges(log.keys, counts) };
  }

  /** The parts of the snapshot are written before, and count for nothing until all of these are. */
  private async writesOf(survey: LossSurvey, plan: LossPlan, document: ProjectDocument): Promise<Write[]> {
    const { context, log, id, keeper } = this.state;
    const { store, environment } = context;
    const { keys, info } = log;
    if (!info) throw new RejoinError('internal', 'A project that does not exist has lost something');
    const { serverId } = context.life;
    const nowMs = environment.now();
    const user = info.session?.user ?? '';
    const versions = await keeper.versions();
    const hasUdt = this.isSession || versions.isBegun || Object.keys(document.view).length > 0;
    const own = { serverId, firstSeqno: (log.appended.vector.get(serverId) ?? 0) + 1 };
    const { isSession } = this;
    const closing = hasUdt ? 'udt' : 'update';
    const options = { store, keys, survey, plan, own, nowMs, isSession, user, closing } as const;
    const collected = await LossWrites.collect(options);
    const { writes } = collected;
    const position = survey.last + 1;
    if (hasUdt) {
      const now = { view: document.view, ...document.udt.hashes(), summaryPatch: null };
      const cause = { origin: { protocol: 'server', user }, nowMs, position } as const;
      writes.push(...versions.rebuild(now, cause).writes);
    }
    const vector = new Map(plan.heads).set(serverId, collected.lastSeqno);
    writes.push(await this.writeSnapshot(document, position, vector));
    const givenUp = [...log.appended.vector].filter(([each, seqno]) => seqno > (vector.get(each) ?? 0));
    const before = new Map(info.givenUp);
    const told = { ...info, damage: undefined, givenUp: [...highestOf(before, new Map(givenUp))] };
    writes.push(writeProjectInfo(id, told));
    return writes;
  }

  private async writeSnapshot(
    document: ProjectDocument,
    position: number,
    vector: VersionVector,
  ): Promise<Write> {
    const { context, log } = this.state;
    const { store, environment } = context;
    await removeSnapshot(store, log.keys, position); // what a crash has left of one
    const writer = new SnapshotWriter(store, log.keys, position);
    const pieces = documentPieces(document.doc);
    let step = pieces.next();
    for (; step.done !== true; step = pieces.next()) await writer.add(step.value);
    const stateDigest = stateDigestOf(step.value);
    const made = { madeMs: environment.now(), vector: [...vector], stateDigest };
    const { snapshot, write } = await writer.end(made);
    await checkReadable(store, log.keys, snapshot); // all updates go for it
    return write;
  }

  private async describe(survey: LossSurvey, plan: LossPlan, objects: number): Promise<Loss> {
    const unshown = [...survey.places].filter(([position, place]) => !isShown(survey, position, place));
    const times = unshown.map(([, { timeMs }]) => timeMs);
    const [first, ...others] = times;
    const lost = survey.lost.size;
    return {
      findings: await this.findings(survey),
      lost,
      isCovered: [...survey.lost.keys()].every((position) => position <= survey.covered),
      unshown: unshown.length,
      unshownFromMs: first === undefined ? null : others.reduce((a, b) => Math.min(a, b), first),
      unshownToMs: first === undefined ? null : others.reduce((a, b) => Math.max(a, b), first),
      objects,
      kept: survey.places.size - unshown.length,
      renumbered: plan.renumbered,
    };
  }

  /** With the numbers that the index still has. */
  private async findings(survey: LossSurvey): Promise<readonly Finding[]> {
    const { context, log, id } = this.state;
    const lost = new LostChanges();
    for (const [position, problem] of survey.lost) lost.addPositions(position, position, problem);
    for await (const page of context.store.scan(log.keys.sequencesBelow(null)))
      for (const { key, value } of page) {
        const { serverId, seqno } = readSequenceKey(key);
        const position = readPlace(key, value);
        if (position !== null && survey.lost.has(position)) lost.identify(position, serverId, seqno);
      }
    return lost.findings(id);
  }

  private get isSession(): boolean {
    return Boolean(this.state.log.info?.session);
  }

  private get name(): string {
    return JSON.stringify(this.state.id);
  }
}

function highestIn(places: LossSurvey['places']): Map<number, number> {
  const highest = new Map<number, number>();
  for (const { serverId, seqno } of places.values()) highest.set(serverId, seqno);
  return highest;
}
