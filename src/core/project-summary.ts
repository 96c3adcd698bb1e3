// What can be said of a project without opening its document: how far its log goes, how much there is of it, and who changed it
// last. The REST interface asks for it.

import { hasCode } from '../errors.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { RecordKind } from '../store/record.ts';
import { ObjectCounts } from './object-counts.ts';
import type { ProjectState } from './project-state.ts';

export interface ProjectSummary {
  readonly position: number;
  readonly vector: VersionVector;
  readonly objects: Readonly<Record<ObjectKind, number>>;
  /** About what it takes on disk. */
  readonly bytes: number;
  readonly lastChange: LastChange | null;
  /** What is known to be lost, in a sentence. */
  readonly damage: string | null;
}

export interface LastChange {
  readonly timeMs: number;
  readonly origin: Origin;
  readonly kind: RecordKind;
}

export class ProjectSummaries {
  private readonly counts: ObjectCounts;

  constructor(private readonly state: ProjectState) {
    this.counts = new ObjectCounts(state.context.store, state.log);
  }

  /** @throws RejoinError `deleted`, `unavailable`. */
  read(): Promise<ProjectSummary> {
    const { log, context } = this.state;
    return this.state.rereading(async () => {
      await log.ready();
      const [{ position, vector, objects }, bytes] = await Promise.all([
        this.counts.read(),
        context.store.approximateSize(log.keys.all()),
      ]);
      const last = await this.lastChange(position);
      const damage = log.info?.damage?.detail ?? (typeof last === 'string' ? last : null);
      return { position, vector, objects, bytes, lastChange: typeof last === 'string' ? null : last, damage };
    });
  }

  /** The change at a position, or what is wrong with it. */
  private async lastChange(position: number): Promise<LastChange | string | null> {
    const recent = this.state.log.recentAfter(position - 1)?.[0];
    if (recent) return recent;
    if (position === 0) return null;
    try {
      for await (const [change] of this.state.log.readStored(position, position)) return change ?? null;
      return null;
    } catch (error) {
      if (hasCode(error, 'damaged')) return error.message;
      throw error;
    }
  }
}
