// Reads the `udt` part of one project for UDT's clients of both generations: the whole, a summary, a sample, and what a client lacks
// that polls. Only ProjectUdt uses it.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { anonymous } from '../model/origin.ts';
import type { Opened } from './commits.ts';
import type { Edit } from './edits.ts';
import type { ProjectState } from './project-state.ts';
import { rebuildPatch } from './rebuild.ts';
import type { Refreshes } from './refreshes.ts';
import { samplesKey } from './roots.ts';
import type { UdtState, UdtVersions } from './udt-versions.ts';
import type { VersionRecord } from './version-record.ts';

/** v1 clients have the whole document, v2 clients a summary and single samples. */
export type UdtDialect = 'v1' | 'v2';

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

/** A state with what it is of: the whole document, or the summary document. It doesn't change any more. */
export type UdtView = UdtState & { readonly view: JsonObject };

export class UdtReads {
  constructor(
    private readonly state: ProjectState,
    private readonly refreshes: Refreshes,
  ) {}

  /** The `udt` part as it is, when all of it is durable. The view doesn't change any more. */
  read(): Promise<UdtView> {
    return this.whenDurable(({ document, versions }) => {
      this.refreshes.wasRead();
      return { ...versions.newestState, view: document.udt.copy() };
    });
  }

  /** What v2 clients have in its place: `summary`, and the top-level keys but `samples`. */
  readSummary(): Promise<UdtView> {
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
  after(since: number | Date, dialect: UdtDialect): Promise<UdtDifferences> {
    return this.state.rereading(async () => {
      const versions = await this.versions();
      const refreshed = dialect === 'v1' ? this.refreshes.polled() : null;
      const canBeMade = this.state.context.recovery.writingProblem === null;
      if (refreshed && canBeMade && since === versions.latest?.version) await refreshed;
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
}

function differenceIn(record: VersionRecord, dialect: UdtDialect): UdtDifference | null {
  const { user, edits, summary } = record;
  const patch = dialect === 'v1' ? record.patch : summary?.patch;
  return patch && edits ? { user, patch, edits } : null;
}
