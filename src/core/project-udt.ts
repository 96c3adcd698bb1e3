// The `udt` part of one project, as UDT's clients read and patch it, of both generations.

import { RejoinError } from '../errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Origin } from '../model/origin.ts';
import { carryIndices } from './carry-indices.ts';
import { commitOfEdits, type Opened } from './commits.ts';
import { createSession, type OnProgress } from './create-session.ts';
import type { Edit } from './edits.ts';
import { KeyedAnswers, type KeyedRequest, type UdtAnswer } from './idempotency.ts';
import { useIdForEdits } from './own-ids.ts';
import { planEdits } from './plan-patch.ts';
import type { ProjectState } from './project-state.ts';
import { refreshPatch } from './refresh-patch.ts';
import { Refreshes } from './refreshes.ts';
import { resolveSamples } from './sample-paths.ts';
import { UdtReads, type UdtDialect, type UdtDifferences, type UdtView } from './udt-reads.ts';

/** How a patch is meant. */
export interface PatchOptions {
  /** Default: v1. */
  readonly dialect?: UdtDialect;
  /** The version that it was made against, if its client says so (UDT-11). */
  readonly against?: number | undefined;
  /** If its client has given it a key: it is done once. */
  readonly request?: KeyedRequest | undefined;
}

export class ProjectUdt {
  private readonly answers: KeyedAnswers;
  private readonly refreshes: Refreshes;
  private readonly reads: UdtReads;

  constructor(private readonly state: ProjectState) {
    this.answers = new KeyedAnswers(state.context.store, state.log.keys);
    this.refreshes = new Refreshes(state.context.environment, () => this.refresh());
    this.reads = new UdtReads(state, this.refreshes);
  }

  /** Whether nothing is still to be done. */
  get isIdle(): boolean {
    return !this.refreshes.isPending;
  }

  /** The server stops. */
  end(): void {
    this.refreshes.end();
  }

  // ---- reading

  /** The `udt` part as it is, when all of it is durable. */
  read(): Promise<UdtView> {
    return this.ofSession(() => this.reads.read());
  }

  /** What v2 clients have in its place: `summary`, and the top-level keys but `samples`. */
  readSummary(): Promise<UdtView> {
    return this.ofSession(() => this.reads.readSummary());
  }

  /** A sample with its `_id`. @param part an index if it has digits only, else an `_id` (UDT-14). */
  readSample(part: string): Promise<Json | undefined> {
    return this.ofSession(() => this.reads.readSample(part));
  }

  /** What a UDT client lacks that knows a version, or the time of one (UDT-1). */
  after(since: number | Date, dialect: UdtDialect = 'v1'): Promise<UdtDifferences> {
    return this.ofSession(() => this.reads.after(since, dialect));
  }

  /**
   * A session may be there only until the store fails that was making it durable: what is read then is of no session.
   * @throws RejoinError `not-found`.
   */
  private async ofSession<T>(read: () => Promise<T>): Promise<T> {
    const { id, log } = this.state;
    const isSession = (): boolean => Boolean(log.info?.session);
    const wasSession = isSession();
    const result = await this.state.patiently(read);
    if (wasSession && !isSession())
      throw new RejoinError(
        'not-found',
        `The session ${JSON.stringify(id)} was not stored: the store failed`,
      );
    return result;
  }

  // ---- writing

  /**
   * Makes the project a session with this UDT file. Resolves when it is durable.
   * @param onProgress is called while a large one is being stored.
   * @throws RejoinError `conflict` if there is such a project.
   */
  async createSession(udt: JsonObject, origin: Origin, onProgress?: OnProgress): Promise<UdtAnswer> {
    const { recovery } = this.state.context;
    return this.state.asking(
      recovery.writing(async () => {
        const { state, durable } = await this.state.inTurn(() =>
          createSession(this.state, udt, origin, onProgress),
        );
        await durable;
        return state;
      }),
    );
  }

  /**
   * Applies a JSON Patch to `udt`, all of it or nothing (UDT-4). Resolves when it is durable. One that was sent before under
   * the same key is answered as it was then.
   * @throws RejoinError `conflict` or `bad-request` that names the operation; `conflict` also if the key was used for another
   *   request.
   */
  async patch(
    operations: readonly Operation[],
    origin: Origin,
    options: PatchOptions = {},
  ): Promise<UdtAnswer> {
    const { request } = options;
    if (request && this.state.context.recovery.writingProblem !== null) {
      const answered = await this.state.queue.run(() => this.findAnswer(request));
      if (answered) return answered.state;
    }
    return this.change(origin, (opened) => this.plan(operations, options, opened), request);
  }

  private async plan(
    operations: readonly Operation[],
    { dialect, against }: PatchOptions,
    { document, versions }: Opened,
  ): Promise<readonly Edit[]> {
    const { view } = document;
    if (dialect === 'v2') return planEdits(view, resolveSamples(operations, document.udt.samples, view));
    if (against === undefined || against === versions.newestState.version) return planEdits(view, operations);
    const records = await versions.recordsSince(against);
    const edits = records?.map((record) => record.edits);
    if (!edits?.every((some) => some !== null))
      throw new RejoinError(
        'conflict',
        `The state ${JSON.stringify(String(against))} that the patch was made against is not known here: read the session again`,
      );
    return planEdits(view, carryIndices(operations, edits.flat()));
  }

  private change(
    origin: Origin,
    plan: (opened: Opened) => Promise<readonly Edit[]>,
    request?: KeyedRequest,
  ): Promise<UdtAnswer> {
    return this.state.asking(
      this.state.patiently(() =>
        this.state.context.recovery.writing(() => this.tryToChange(origin, plan, request)),
      ),
    );
  }

  private async tryToChange(
    origin: Origin,
    plan: (opened: Opened) => Promise<readonly Edit[]>,
    request: KeyedRequest | undefined,
  ): Promise<UdtAnswer> {
    const { state, durable } = await this.state.inTurn(async () => {
      const answered = request && (await this.findAnswer(request));
      if (answered) return answered;
      const opened = await this.state.open();
      const { document, versions } = opened;
      const edits = await plan(opened);
      this.state.checkCurrent();
      const { environment } = this.state.context;
      const writes = useIdForEdits(this.state.log, document.doc, environment);
      return this.state.mutate(() => {
        const othersMs = versions.changedMs;
        const change = document.edit(edits);
        const cause = { origin, nowMs: environment.now(), request };
        const { commit, state } = commitOfEdits(opened, change, cause, writes);
        const durable = this.state.log.submit(commit);
        if (commit.group) this.state.keeper.grown(commit.group.update);
        if (request) this.answers.follow(request, state, durable);
        if (change?.udt) this.refreshes.patched(othersMs);
        return { state, durable };
      });
    });
    await durable;
    return state;
  }

  /** UDT-8. */
  private refresh(): Promise<void> {
    return this.state.context.recovery.writing(async () => {
      const durable = await this.state.inTurn(async () => {
        const { document, versions } = await this.state.open();
        const { state, writes } = versions.refresh(
          refreshPatch(document.view),
          this.state.context.environment.now(),
        );
        return {
          durable: this.state.log.submit({ group: null, writes, settle: () => versions.settle(state) }),
        };
      });
      await durable.durable;
    });
  }

  /** Needs no document. */
  private async findAnswer(request: KeyedRequest): ReturnType<KeyedAnswers['find']> {
    await this.state.current();
    await this.state.log.ready();
    return this.answers.find(request);
  }
}
