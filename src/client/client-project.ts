// A project as an application has it: its rows, threads and comments as they are known here, and writes, which show at
// once and reach the server when they can.

import { RejoinError } from '../errors.ts';
import type { Comment, Thread } from '../model/discussion.ts';
import type { Row, RowFields } from '../model/entry-versions.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { ProjectView } from '../model/project-view.ts';
import { parseVersionVector, printVersionVector } from '../model/version-vector.ts';
import { AuthorClock } from './author-clock.ts';
import type { ClientEnvironment } from './client-environment.ts';
import type { ProjectEvents } from './client-events.ts';
import { newObject, type NewRow, type RowChange, type ThreadFields } from './new-objects.ts';
import type { ProjectSync } from './project-sync.ts';
import type { Place } from './storage.ts';

/** Whether no server has acknowledged the version that is shown. */
export interface Pending {
  readonly pending: boolean;
}

export type ClientRow = Row & Pending;
export type ClientThread = Thread & Pending;
export type ClientComment = Comment & Pending;

/** A version vector as `[[server id, seqno], …]`, as `project.vector` gives it. */
export type Archivetime = readonly Place[];

export interface ViewOptions {
  /** Shows the project as it was when this was all that was known; what waits to be sent isn't in it. */
  readonly at?: Archivetime | undefined;
}

export interface DeletedOptions extends ViewOptions {
  /** Also what was deleted. */
  readonly deleted?: boolean | undefined;
}

const vectorEntriesMax = 10_000;

export class ClientProject {
  /** What is stored here is shown; that needs no connection. Rejects if the storage can't be read. */
  readonly ready: Promise<void>;
  private readonly clock: AuthorClock;
  private past: { readonly at: string; readonly view: ProjectView } | null = null;

  constructor(
    readonly id: string,
    private readonly sync: ProjectSync,
    private readonly environment: ClientEnvironment,
    private readonly author: string | undefined,
  ) {
    this.ready = sync.loaded.promise;
    this.clock = new AuthorClock(environment);
    sync.listeners.add('change', () => (this.past = null));
  }

  /** What is known of the servers' sequences: the archivetime of what is written now. */
  get vector(): Place[] {
    return printVersionVector(this.sync.data.vector);
  }

  /**
   * Resolves when all is here that the server had when it was asked; at once if that was so before.
   * @throws RejoinError `deleted` if the project was deleted, `unavailable` if the client is closed before.
   */
  synced(): Promise<void> {
    return this.sync.synced.promise;
  }

  /** @returns takes the listener off again. */
  on<Name extends keyof ProjectEvents>(
    name: Name,
    listener: (event: ProjectEvents[Name]) => void,
  ): () => void {
    return this.sync.listeners.add(name, listener);
  }

  // ---- reports

  /** The reports that have entries, also deleted ones. */
  reports({ at }: ViewOptions = {}): string[] {
    return this.viewAt(at).reports();
  }

  /** The rows of a report in the order in which they were first written; deleted ones only in conflict, unless asked for. */
  rows(report: string, { at, deleted }: DeletedOptions = {}): ClientRow[] {
    return this.viewAt(at)
      .rows(report, { deleted })
      .map((row) => this.marked('entry', row));
  }

  /** One row, also a deleted one. */
  row(report: string, entry: string, { at }: ViewOptions = {}): ClientRow | undefined {
    const row = this.viewAt(at).row(report, entry);
    return row && this.marked('entry', row);
  }

  /** Adds a row. Resolves when it is in the queue for good; it is shown at once. */
  async add(report: string, { clip_id, content }: NewRow): Promise<{ entry: string; version: string }> {
    const entry = this.environment.uuid();
    const fields = { report_uuid: report, entry_uuid: entry, clip_id, content };
    return { entry, version: await this.write('entry', () => fields) };
  }

  /**
   * Changes fields of the row that is shown: null deletes one, what isn't named stays. Conflicts stay.
   * @param reason why, for those who see it.
   * @throws RejoinError `not-found` for an unknown row, `bad-request` that names the field.
   */
  async edit(
    report: string,
    entry: string,
    { clip_id = null, content = null }: RowChange,
    reason: string,
  ): Promise<{ version: string }> {
    const version = await this.write('entry', () => {
      if (clip_id === null && content === null)
        throw new RejoinError(
          'bad-request',
          'An edit must change clip_id or content; to delete a row, use delete',
        );
      const { version_uuid: shown } = this.shownRow(report, entry);
      return { ...namesOf(report, entry), clip_id, content, modifies: [shown], reason };
    });
    return { version };
  }

  /**
   * Deletes a row with all its conflicts, as far as they are known here: what others wrote meanwhile is shown again, in
   * conflict with this.
   * @throws RejoinError `not-found` for an unknown row.
   */
  async delete(report: string, entry: string, reason: string): Promise<{ version: string }> {
    const version = await this.write('entry', () => {
      const { version_uuid: shown, conflicts } = this.shownRow(report, entry);
      const modifies = [shown, ...conflicts.map((conflict) => conflict.version_uuid)];
      return { ...namesOf(report, entry), clip_id: null, content: null, modifies, reason };
    });
    return { version };
  }

  /**
   * Ends the conflicts of a row, as far as they are known here: the row becomes what is shown, with these changes. A row
   * that was deleted is there again.
   * @throws RejoinError `not-found` for an unknown row, `bad-request` that names the field.
   */
  async resolve(
    report: string,
    entry: string,
    fields: RowFields,
    reason: string,
  ): Promise<{ version: string }> {
    const version = await this.write('entry', () => {
      const versions = this.sync.data.view.entry(report, entry);
      if (!versions) throw unknown('row', entry);
      return { ...namesOf(report, entry), ...versions.resolution(fields), reason };
    });
    return { version };
  }

  // ---- threads and comments

  /** In the order in which they were first written. */
  threads({ at }: ViewOptions = {}): ClientThread[] {
    return this.viewAt(at)
      .threads()
      .map((thread) => this.marked('thread', thread));
  }

  /** The comments of a thread, in the order in which they were first written. */
  comments(thread: string, { at, deleted }: DeletedOptions = {}): ClientComment[] {
    return this.viewAt(at)
      .comments(thread, { deleted })
      .map((comment) => this.marked('comment', comment));
  }

  async addThread({ name, links = [] }: ThreadFields): Promise<{ thread: string; version: string }> {
    const thread = this.environment.uuid();
    return { thread, version: await this.write('thread', () => ({ thread_uuid: thread, name, links })) };
  }

  /** What isn't named stays. @throws RejoinError `not-found`. */
  async editThread(thread: string, { name, links }: ThreadFields): Promise<{ version: string }> {
    const shown = (): Thread => this.sync.data.view.thread(thread) ?? fail('thread', thread);
    const version = await this.write('thread', () => {
      const before = shown();
      return {
        thread_uuid: thread,
        name: name === undefined ? before.name : name,
        links: links === undefined ? before.links : links,
        after: before.authortime,
      };
    });
    return { version };
  }

  /** @param parent the comment that it answers. */
  async comment(
    thread: string,
    body: string,
    { parent = null }: { readonly parent?: string | null | undefined } = {},
  ): Promise<{ comment: string; version: string }> {
    const comment = this.environment.uuid();
    const version = await this.write('comment', () => {
      checkBody(body);
      return { comment_uuid: comment, thread_uuid: thread, parent_uuid: parent, body };
    });
    return { comment, version };
  }

  /** @throws RejoinError `not-found`. */
  async editComment(thread: string, comment: string, body: string): Promise<{ version: string }> {
    const version = await this.write('comment', () => {
      checkBody(body);
      return this.nextComment(thread, comment, body);
    });
    return { version };
  }

  /** @throws RejoinError `not-found`. */
  async deleteComment(thread: string, comment: string): Promise<{ version: string }> {
    return { version: await this.write('comment', () => this.nextComment(thread, comment, null)) };
  }

  // ---- the past

  /**
   * The project as it was when this version vector was all that was known.
   * @throws RejoinError `bad-request` that names the pair.
   */
  at(archivetime: Archivetime): ProjectView {
    const vector = parseVersionVector(archivetime, 'archivetime', vectorEntriesMax);
    const at = JSON.stringify(printVersionVector(vector));
    if (this.past?.at !== at) this.past = { at, view: this.sync.data.viewAt(vector) };
    return this.past.view;
  }

  private viewAt(at: Archivetime | undefined): ProjectView {
    return at === undefined ? this.sync.data.view : this.at(at);
  }

  private marked<T extends { readonly version_uuid: string }>(kind: ObjectKind, shown: T): T & Pending {
    return { ...shown, pending: this.sync.data.isPending(kind, shown.version_uuid) };
  }

  private shownRow(report: string, entry: string): Row {
    return this.sync.data.view.row(report, entry) ?? fail('row', entry);
  }

  private nextComment(thread: string, comment: string, body: string | null): WrittenFields {
    const before = this.sync.data.view.comment(comment);
    if (before?.thread_uuid !== thread) throw unknown('comment', comment);
    const { parent_uuid, authortime: after } = before;
    return { comment_uuid: comment, thread_uuid: thread, parent_uuid, body, after };
  }

  /** @param fields what it says, of what is known when it is written. `after` is the time of what it follows. */
  private async write(kind: ObjectKind, fields: () => WrittenFields): Promise<string> {
    if (!this.sync.loaded.isSettled) await this.ready;
    const { after, ...said } = fields();
    const context = { vector: this.sync.data.vector, nowMs: this.clock.next(after) };
    const object = newObject(kind, { ...said, author: this.author }, this.environment.uuid(), context);
    await this.sync.write(object);
    return object.versionUuid;
  }
}

type WrittenFields = Readonly<Record<string, unknown>> & { readonly after?: string | undefined };

function namesOf(report: string, entry: string): { report_uuid: string; entry_uuid: string } {
  return { report_uuid: report, entry_uuid: entry };
}

/** Without a body a comment is deleted, which must be said. */
function checkBody(body: unknown): void {
  if (typeof body !== 'string')
    throw new RejoinError(
      'bad-request',
      'comment.body must be a string; to delete a comment, use deleteComment',
    );
}

function unknown(what: string, uuid: string): RejoinError {
  return new RejoinError('not-found', `There is no ${what} ${JSON.stringify(uuid)} here`);
}

function fail(what: string, uuid: string): never {
  throw unknown(what, uuid);
}
