// What a data folder holds, as JSON: to be compared with what a golden folder held when it was made.

import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { listProjects, type ProjectInfo } from '../../src/store/project-info.ts';
import type { Store } from '../../src/store/store.ts';

export interface ProjectContent {
  readonly info: ProjectInfo;
  /** Every change: position, server id, seqno, place in its group, time, origin, kind and object. */
  readonly changes: readonly unknown[];
  /** n, view, hash and the patches since version 0; null for a project that was deleted. */
  readonly udt: unknown;
  /** The roots of the document. */
  readonly document: unknown;
}

export async function contentOf(projects: Projects, store: Store): Promise<Record<string, ProjectContent>> {
  const content: Record<string, ProjectContent> = {};
  for await (const { project: id, info } of listProjects(store)) {
    content[id] = info.tombstone
      ? { info, changes: [], udt: null, document: null }
      : { info, ...(await projectContent(projects, id)) };
  }
  return content;
}

async function projectContent(projects: Projects, id: string): Promise<Omit<ProjectContent, 'info'>> {
  return projects.use(id, async (project) => {
    const feed = await project.follow(new Map());
    const changes: unknown[] = [];
    while (!feed.atHead) {
      for (const { object, update, ...change } of (await feed.next()) ?? []) {
        changes.push({
          ...change,
          matches: undefined, // not of the store
          object: object && (JSON.parse(Buffer.from(object).toString()) as unknown),
          hasUpdate: update !== null,
        });
      }
    }
    feed.close();
    const { version, view, hash, record } = await project.udt.read();
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
    const maps = Object.fromEntries(
      ['udt', 'entries', 'threads', 'comments'].map((root) => [root, doc.getMap(root).toJSON() as unknown]),
    );
    return {
      changes,
      udt: { n: version % 2 ** 32, view, hash, record },
      document: { ...maps, notes: doc.getText('notes').toJSON() },
    };
  });
}
