// The `udt` part of one project, as UDT's clients read and patch it, of both generations.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError } from '../errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { isJsonArray, isJsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { anonymous, type Origin } from '../model/origin.ts';
import { carryIndices } from './carry-indices.ts';
import { commitOfEdits, type Opened } from './commits.ts';
import { createSession, type OnProgress } from './create-session.ts';
import type { Edit } from './edits.ts';
import { KeyedAnswers, type KeyedRequest, type UdtAnswer } from './idempotency.ts';
import { useIdForEdits } from './own-ids.ts';
import { planEdits } from './plan-patch.ts';
import type { ProjectState } from './project-state.ts';
import { rebuildPatch } from './rebuild.ts';
import { refreshPatch } from './refresh-patch.ts';
import { Refreshes } from './refreshes.ts';
import { samplesKey } from './roots.ts';
import { resolveSamples } from './sample-paths.ts';
import type { UdtState, UdtVersions } from './udt-versions.ts';
import type { VersionRecord } from './version-record.ts';

/** v1 clients have the whole document, v2 clients a summary and single samples. */
export type UdtDialect = 'v1' | 'v2';

/** How a patch is meant. */
export interface PatchOptions {
  /** Default: v1. */
  readonly dialect?: UdtDialect;
  /** The version that it was made against, if its client says so (UDT-11). */
  readonly against?: number | undefined;
  /** If its client has given it a key: it is done once. */
  readonly request?: KeyedRequest | undefined;
}

/** What a client that knows an older version lacks. */
export interface UdtDifferences {
  /** One entry per version, oldest first; what makes any older state the present one is one entry. */
  readonly versions: readonly UdtDifference[];
  readonly latest: UdtState;
}

export interface UdtDifference {
  readonly user: string;
  readonly patch: readonly Operation[];
  /** The same changes, exactly. None where nobody did anything: in what is sent to those who know no version (UDT-10), and in a refresh (UDT-8). */
  readonly edits: readonly Edit[];
}

export class ProjectUdt {
  private readonly answers: KeyedAnswers;
  private readonly refreshes: Refreshes;

  constructor(private readonly state: ProjectState) {
    this.answers = new KeyedAnswers(state.context.store, state.log.keys);
    this.refreshes = new Refreshes(state.context.environment, () => this.refresh());
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

  /** The `udt` part as it is, when all of it is durable. The view doesn't change any more. */
  read(): Promise<UdtState & { readonly view: JsonObject }> {
    return this.whenDurable(({ document, versions }) => ({
      ...versions.newestState,
      view: document.udt.copy(),
    }));
  }

  /** What v2 clients have in its place: `summary`, and the top-level keys but `samples`. */
  readSummary(): Promise<UdtState & { readonly view: JsonObject }> {
    return this.whenDurable(async ({ document, versions }) => ({
      ...versions.newestState,
      view: await document.udt.summaryDocument(otherWork),
    }));
  }

  /** A sample with its `_id`. @param part an index if it has digits only, else an `_id` (UDT-14). */
  readSample(part: string): Promise<Json | undefined> {
    return this.whenDurable(({ document: { udt, view } }) => {
      const index = /^\d+$/.test(part) ? Number(part) : udt.samples.indexOf(part);
      const samples = view[samplesKey];
      const sample = isJsonArray(samples) ? samples[index] : undefined;
      if (!isJsonObject(sample)) return sample;
      const _id = udt.samples.idOf(index);
      return Object.hasOwn(sample, '_id') ? { ...sample, _id } : { _id, ...sample };
    });
  }

  /** What a UDT client lacks that knows a version, or the time of one (UDT-1). */
  after(since: number | Date, dialect: UdtDialect = 'v1'): Promise<UdtDifferences> {
    return this.state.rereading(async () => {
      const versions = await this.versions();
      const refreshed = dialect === 'v1' ? this.refreshes.polled() : null;
      if (refreshed && since === versions.latest?.version) await refreshed;
      const { latest } = versions;
      if (!latest) throw new RejoinError('unavailable', 'The versions are being read again');
      const records =
        typeof since === 'number'
          ? await versions.after(since)
          : await versions.afterTime(since.getTime(), this.state.log.info?.createdMs ?? 0);
      const differences = records?.map((record) => differenceIn(record, dialect));
      if (differences?.every((difference) => difference !== null)) return { versions: differences, latest };
      return this.everything(dialect);
    });
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
      this.state.context.recovery.writing(() => this.tryToChange(origin, plan, request)),
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

  // ---- both

  /** Reads from the open document; what is read is handed out when all in it is durable. */
  private whenDurable<T>(read: (opened: Opened) => T | Promise<T>): Promise<T> {
    return this.state.rereading(async () => {
      const { result, durable } = await this.state.queue.run(async () => {
        const opened = await this.state.open();
        return { result: await read(opened), durable: this.state.log.settled() };
      });
      await durable.catch((cause: unknown) => {
        throw new RejoinError('unavailable', 'What was read is not on disk', { cause });
      });
      return result;
    });
  }

  /** Read from the store if they can be relied on: a poll needs no document. */
  private async versions(): Promise<UdtVersions> {
    await this.state.log.ready();
    const known = this.state.keeper.currentVersions;
    if (known?.latest) {
      this.state.onUsed();
      return known;
    }
    if (!this.state.log.isStale) {
      const read = await this.state.keeper.versions();
      if (read.latest) {
        this.state.onUsed();
        return read;
      }
    }
    return this.state.queue.run(async () => {
      const read = await this.state.versions();
      return read.latest ? read : (await this.state.open()).versions;
    });
  }

  /** UDT-10. */
  private async everything(dialect: UdtDialect): Promise<UdtDifferences> {
    return this.whenDurable(async ({ document, versions }) => {
      const view = dialect === 'v1' ? document.udt.copy() : await document.udt.summaryDocument(otherWork);
      const latest = versions.newestState;
      const patch = rebuildPatch(view, versions.topLevelKeys.hasLostIn(document.view));
      return { versions: [{ user: latest.record?.user ?? anonymous, patch, edits: [] }], latest };
    });
  }

  /** Needs no document. */
  private async findAnswer(request: KeyedRequest): ReturnType<KeyedAnswers['find']> {
    await this.state.current();
    await this.state.log.ready();
    return this.answers.find(request);
  }
}

function differenceIn(record: VersionRecord, dialect: UdtDialect): UdtDifference | null {
  const { user, edits, summary } = record;
  const patch = dialect === 'v1' ? record.patch : summary?.patch;
  return patch && edits ? { user, patch, edits } : null;
}
