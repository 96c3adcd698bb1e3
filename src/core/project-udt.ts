// The `udt` part of one project, as UDT's clients read and patch it.

import { RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Origin } from '../model/origin.ts';
import { commitOfEdits, type UdtChange } from './commits.ts';
import type { Edit } from './edits.ts';
import { KeyedAnswers, type KeyedRequest, type UdtAnswer } from './idempotency.ts';
import { useIdForEdits } from './own-ids.ts';
import { planPatch } from './plan-patch.ts';
import type { ProjectState } from './project-state.ts';
import type { UdtDifferences, UdtState, UdtVersions } from './udt-versions.ts';

export class ProjectUdt {
  private readonly answers: KeyedAnswers;

  constructor(private readonly state: ProjectState) {
    this.answers = new KeyedAnswers(state.context.store, state.log.keys);
  }

  /** The `udt` part at its newest durable version. */
  read(): Promise<UdtState> {
    return this.state.rereading(async () => (await this.versions()).latest);
  }

  /** What a UDT client lacks that knows a version, or the time of one (UDT-1). */
  after(since: number | Date): Promise<UdtDifferences> {
    return this.state.rereading(async () => {
      const versions = await this.versions();
      if (typeof since === 'number') return versions.after(since);
      return versions.afterTime(since.getTime(), this.state.log.info?.createdMs ?? 0);
    });
  }

  /** Makes the project a session with this UDT file. Resolves when it is durable. */
  createSession(udt: JsonObject, origin: Origin): Promise<UdtAnswer> {
    return this.change('session', origin, () => {
      if (this.state.log.info)
        throw new RejoinError('conflict', `The project ${JSON.stringify(this.state.id)} exists already`);
      return Object.entries(udt).map(([key, value]) => ({ type: 'set', path: [], key, value }));
    });
  }

  /**
   * Applies a JSON Patch to `udt`, all of it or nothing (UDT-4). Resolves when it is durable.
   * @throws RejoinError `conflict` or `bad-request` that names the operation.
   */
  patch(operations: readonly Operation[], origin: Origin): Promise<UdtAnswer> {
    return this.change('udt', origin, (view) => planPatch(view, operations).edits);
  }

  /**
   * As `patch`, once for all requests of one key: one that is sent again is answered as the first was.
   * @throws RejoinError `conflict` also if the key was used for another request.
   */
  async patchOnce(
    operations: readonly Operation[],
    origin: Origin,
    request: KeyedRequest,
  ): Promise<UdtAnswer> {
    if (this.state.context.recovery.writingProblem !== null) {
      const answered = await this.state.queue.run(() => this.findAnswer(request));
      if (answered) return answered.state;
    }
    return this.change('udt', origin, (view) => planPatch(view, operations).edits, request);
  }

  private async versions(): Promise<UdtVersions> {
    await this.state.log.ready();
    const { current } = this.state.keeper;
    if (!current) return (await this.state.queue.run(() => this.state.open())).versions;
    this.state.onUsed();
    return current.versions;
  }

  private change(
    kind: UdtChange,
    origin: Origin,
    plan: (view: JsonObject) => readonly Edit[],
    request?: KeyedRequest,
  ): Promise<UdtAnswer> {
    return this.state.asking(
      this.state.context.recovery.writing(() => this.tryToChange(kind, origin, plan, request)),
    );
  }

  private async tryToChange(
    kind: UdtChange,
    origin: Origin,
    plan: (view: JsonObject) => readonly Edit[],
    request: KeyedRequest | undefined,
  ): Promise<UdtAnswer> {
    const { state, durable } = await this.state.inTurn(async () => {
      const answered = request && (await this.findAnswer(request));
      if (answered) return answered;
      const opened = await this.state.open();
      const { document } = opened;
      const edits = plan(document.view);
      const writes = useIdForEdits(this.state.log, document.doc, this.state.context.environment);
      return this.state.mutate(() => {
        const nowMs = this.state.context.environment.now();
        const { commit, state } = commitOfEdits(opened, document.edit(edits), {
          kind,
          origin,
          nowMs,
          writes,
          request,
        });
        const durable = this.state.log.submit(commit);
        if (commit.group) this.state.keeper.grown(commit.group.update);
        if (request) this.answers.follow(request, state, durable);
        return { state, durable };
      });
    });
    await durable;
    return state;
  }

  /** Needs no document. */
  private async findAnswer(request: KeyedRequest): ReturnType<KeyedAnswers['find']> {
    await this.state.current();
    await this.state.log.ready();
    return this.answers.find(request);
  }
}
