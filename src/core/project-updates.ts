// What Yjs clients bring to one project, and what they are given of its document.

import type { Doc } from 'yjs';
import type { Origin } from '../model/origin.ts';
import { commitOfUpdate } from './commits.ts';
import { addsNothing } from './known-update.ts';
import { replaceIdsAmong } from './own-ids.ts';
import type { ProjectState } from './project-state.ts';
import { newObjectsOf } from './touched-objects.ts';
import { checkUpdate } from './update-check.ts';

export type UpdateOutcome =
  /** Stored, or nothing in it was new; `durable` resolves when all that it says is on disk. */
  | { readonly type: 'accepted'; readonly isNew: boolean; readonly durable: Promise<void> }
  /** YJS-8: nothing of it was taken; `ranges` identifies what it lacks. */
  | { readonly type: 'missing'; readonly ranges: string };

export class ProjectUpdates {
  constructor(private readonly state: ProjectState) {}

  /**
   * Encodes something from the document as it is now, and hands it out when everything in it is durable.
   * @throws RejoinError `outcome-unknown` or `unavailable` if it doesn't become so.
   */
  async encode<T>(read: (doc: Doc) => T): Promise<T> {
    const { encoded, durable } = await this.state.queue.run(async () => {
      const { document } = await this.state.open();
      return { encoded: read(document.doc), durable: this.state.log.settled() };
    });
    await durable;
    return encoded;
  }

  /**
   * Takes an update from a Yjs client (YJS-6, YJS-8).
   * @throws RejoinError `undecodable`; nothing of it was taken.
   */
  apply(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    if (this.state.context.recovery.writingProblem === null) return this.take(update, origin);
    const recognized = this.state.queue.run(() => this.recognize(update));
    return this.state.asking(recognized.then((outcome) => outcome ?? this.take(update, origin)));
  }

  private take(update: Uint8Array, origin: Origin): Promise<UpdateOutcome> {
    return this.state.writing(async (): Promise<UpdateOutcome> => {
      const opened = await this.state.open();
      const { doc } = opened.document;
      const check = checkUpdate(doc, update);
      if (check.type === 'missing') {
        this.state.observe('update-without-base', check.ranges);
        return check;
      }
      const ids = replaceIdsAmong(check.newClients, this.state.log, doc, this.state.context.environment);
      if (ids) this.state.observe('client-ids-replaced', ids.replaced);
      return this.state.mutate(async () => {
        const change = opened.document.applyUpdate(update);
        if (!change) return { type: 'accepted', isNew: false, durable: this.state.log.settled() };
        const nowMs = this.state.context.environment.now();
        const objects = await newObjectsOf(change.touched, {
          origin,
          nowMs,
          isKnown: async (kind, versionUuid) => this.state.log.uuids.has(kind, versionUuid),
          observe: (type, detail) => this.state.observe(type, detail),
        });
        const commit = commitOfUpdate(opened, change, { origin, nowMs }, objects, ids ? [ids.write] : []);
        const durable = this.state.log.submit(commit);
        this.state.keeper.grown(change.update);
        return { type: 'accepted', isNew: true, durable };
      });
    });
  }

  /** While nothing can be written: the outcome for an update that brings nothing to write, else null. */
  private async recognize(update: Uint8Array): Promise<UpdateOutcome | null> {
    const { doc } = (await this.state.open()).document;
    const check = checkUpdate(doc, update);
    if (check.type === 'missing') {
      this.state.observe('update-without-base', check.ranges);
      return check;
    }
    if (!addsNothing(doc, update)) return null;
    return { type: 'accepted', isNew: false, durable: this.state.log.settled() };
  }
}
