// Uploads to one project: objects that come by themselves, without a document. upload.ts has the turn of all projects of an
// upload while it calls these.

import type { JsonObject } from '../model/json.ts';
import { completeObject, type ObjectKind, type ProjectObject } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import { toChange } from './commits.ts';
import type { Staged } from './live-log.ts';
import { encodeObjectUpdate } from './object-update.ts';
import { useClocksForUpload } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';

/** An object to upload: fields that passed `checkObject`. */
export interface NewObject {
  readonly kind: ObjectKind;
  readonly fields: JsonObject;
}

export class ProjectUploads {
  constructor(private readonly state: ProjectState) {}

  /** Starts to look up which objects are new, ahead of the turn. @returns how to say that the upload is done with it. */
  lookUp(objects: readonly NewObject[]): () => void {
    const ends = objects.flatMap(({ kind, fields: { version_uuid: versionUuid } }) =>
      typeof versionUuid === 'string' ? [this.state.log.uuids.lookUp(kind, versionUuid)] : [],
    );
    return () => {
      for (const end of ends) end();
    };
  }

  /** Waits for the project's turn; it is kept until the returned function is called. */
  hold(): Promise<() => void> {
    return this.state.queue.hold();
  }

  /** Which objects are new: not those whose uuid the log has, and the first of equals (WS-13). */
  async plan(objects: readonly NewObject[], origin: Origin): Promise<readonly ProjectObject[]> {
    await this.state.writable();
    const author = {
      userId: origin.user,
      userUuid: origin.user,
      nowMs: this.state.context.environment.now(),
    };
    const fresh = new Map<string, ProjectObject>();
    for (const { kind, fields } of objects) {
      const object = completeObject(kind, fields, author, 'replace');
      const name = `${kind} ${object.versionUuid}`;
      if (fresh.has(name) || (await this.state.log.uuids.has(kind, object.versionUuid))) continue;
      fresh.set(name, object);
    }
    return [...fresh.values()];
  }

  /** Numbers what `plan` returned. It needs no document; an open one takes the update as well. */
  stage(objects: readonly ProjectObject[], origin: Origin): Staged {
    const { clientId, clock, write } = useClocksForUpload(
      this.state.log,
      objects.length,
      this.state.context.environment,
    );
    const update = encodeObjectUpdate(clientId, clock, objects);
    if (this.state.keeper.current?.document.applyUpdate(update)) this.state.keeper.grown(update);
    return this.state.log.stage({
      group: { origin, update, changes: objects.map(toChange) },
      writes: [write],
    });
  }
}
