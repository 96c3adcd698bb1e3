// The two files of a project in the folder of a file storage: what was received, and what waits or was refused. The
// second stays small, so that a start needs to read only these to know what is to be sent.

import { z } from 'zod';
import { errorCodes } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { ObjectKey, StorageChanges, StoredProject } from '../storage.ts';
import { StoredState } from '../stored-state.ts';
import { LogFile } from './log-file.ts';

export interface ProjectPaths {
  readonly received: string;
  readonly queue: string;
}

type Changes = Omit<StorageChanges, 'project'>;

/** A queue file is written anew when it has this size and mostly says what isn't so any more. */
const queueBytesMax = 1024 * 1024;
const objectsPerRecord = 500;

export class ProjectFiles {
  /** What the queue file says. */
  private readonly waiting = new StoredState();
  private receivedFile: Promise<LogFile> | null = null;
  /** The size of the queue file when it was last written anew. */
  private queueBytesKept = 0;

  private constructor(
    readonly project: string,
    private readonly paths: ProjectPaths,
    private readonly queueFile: LogFile,
  ) {}

  /**
   * Opens the queue file of a project, or makes one.
   * @param project its id, if it is known.
   * @returns null if neither the caller nor the file knows the project.
   * @throws RejoinError `damaged`, `data-unusable`.
   */
  static async open(paths: ProjectPaths, project?: string): Promise<ProjectFiles | null> {
    const changes: QueueChanges[] = [];
    let named = project;
    const file = await LogFile.open(paths.queue, (record) => {
      const read = queueRecordShape.parse(record);
      if ('project' in read) named = read.project;
      else changes.push(read);
    });
    if (named === undefined) {
      await file.close();
      return null;
    }
    if (file.size === 0) await file.append({ project: named });
    const files = new ProjectFiles(named, paths, file);
    for (const each of changes) files.follow(each);
    return files;
  }

  get isQueueEmpty(): boolean {
    return this.waiting.isQueueEmpty;
  }

  async load(): Promise<StoredProject> {
    const state = new StoredState();
    const { queue, refused } = this.waiting.stored();
    state.apply({ queued: queue, refused });
    const file = await this.openReceived();
    let read = 0;
    await file.read((record) => {
      const { received, vector } = receivedRecordShape.parse(record);
      read += received.length + 1;
      state.apply({ received, vector });
    });
    const stored = state.stored();
    // On a full disk the files stay as they are, and say the same.
    await this.leave(stored.received).catch(() => undefined);
    if (read > 1_000 + 3 * stored.received.length) await file.replace(() => recordsOf(stored));
    return stored;
  }

  /** Several may be under way: they take effect in the order of the calls. */
  async apply({ received = [], vector = [], ...changes }: Changes): Promise<void> {
    const queued = this.changeQueue(changes);
    queued.catch(() => undefined); // heard of below, unless the other file fails first
    if (received.length > 0 || vector.length > 0) {
      const file = await this.openReceived();
      await file.append({ received, vector });
    }
    await queued;
    // Only now: between the two an object is in both files, which `load` mends; never in none.
    await this.leave(received);
  }

  async close(): Promise<void> {
    await this.queueFile.close();
    const received = await this.receivedFile?.catch(() => null); // whoever wanted it has heard why it can't be opened
    await received?.close();
  }

  private async changeQueue(changes: QueueChanges): Promise<void> {
    const isEmpty = Object.values(changes).every((objects) => objects.length === 0);
    if (isEmpty) return;
    const fresh = changes.queued?.filter((object) => !this.waiting.isQueued(object)) ?? [];
    this.follow(changes);
    const { queueFile } = this;
    try {
      await queueFile.append(changes);
    } catch (error) {
      this.waiting.leave(fresh); // whoever wrote them was told that they aren't stored
      throw error;
    }
    if (queueFile.size >= Math.max(queueBytesMax, 2 * this.queueBytesKept)) await this.tidyQueue();
  }

  private async tidyQueue(): Promise<void> {
    this.queueBytesKept = Infinity; // once, for all who find it too long
    await this.queueFile.replace(() => {
      const { queue, refused } = this.waiting.stored();
      return [{ project: this.project }, { queued: queue }, { refused }];
    });
    this.queueBytesKept = this.queueFile.size;
  }

  private async leave(received: readonly ObjectKey[]): Promise<void> {
    const left = received.filter((object) => this.waiting.isQueued(object));
    await this.changeQueue({ left: left.map(({ kind, versionUuid }) => ({ kind, versionUuid })) });
  }

  private follow({ left = [], ...changes }: QueueChanges): void {
    this.waiting.apply(changes);
    this.waiting.leave(left);
  }

  private openReceived(): Promise<LogFile> {
    return (this.receivedFile ??= LogFile.open(this.paths.received, () => undefined));
  }
}

const kinds = z.enum(['entry', 'thread', 'comment']);
const value = z.custom<JsonObject>(isJsonObject);
const keyShape = z.object({ kind: kinds, versionUuid: z.string() });
const keptShape = keyShape.extend({ value });
const placeShape = z.tuple([z.number(), z.number()]);

const receivedRecordShape = z.object({
  received: z.array(keptShape.extend({ places: z.array(placeShape) })),
  vector: z.array(placeShape),
});

const queueChangesShape = z.object({
  queued: z.array(keptShape).default([]),
  refused: z.array(keptShape.extend({ code: z.enum(errorCodes), message: z.string() })).default([]),
  discarded: z.array(keyShape).default([]),
  /** A server has them. */
  left: z.array(keyShape).default([]),
});

const queueRecordShape = z.union([z.object({ project: z.string() }), queueChangesShape]);

type QueueChanges = Pick<Changes, 'queued' | 'refused' | 'discarded'> & {
  readonly left?: readonly ObjectKey[];
};

/** The vector last: a file that lost its end claims nothing that went with it. */
function* recordsOf({ received, vector }: StoredProject): Iterable<unknown> {
  for (let at = 0; at < received.length; at += objectsPerRecord)
    yield { received: received.slice(at, at + objectsPerRecord), vector: [] };
  yield { received: [], vector };
}
