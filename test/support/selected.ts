// Reads what a stream has selected past the wire: for tests of the core.

import type { SelectedFeed, Selected } from '../../src/core/selected-feed.ts';
import type { Projects } from '../../src/core/projects.ts';
import { upload } from '../../src/core/upload.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { checkObject, type ObjectKind } from '../../src/model/objects.ts';
import type { Match, Selection, StreamSelection } from '../../src/model/selection.ts';
import type { VersionVector } from '../../src/model/version-vector.ts';

export const nothingKnown: VersionVector = new Map();

export function objectsOf(
  kind: ObjectKind,
  match: Match | null = null,
  since: VersionVector = nothingKnown,
): Selection {
  return { kind, since, match };
}

/** Of a report `r`, a topic `t` or a user `u`. */
export const ofReport = (value: string): Match => ({ field: 'report', value });
export const ofTopic = (value: string): Match => ({ field: 'topic', value });
export const ofUser = (value: string): Match => ({ field: 'user', value });

/** What there is up to the head. */
export async function readSelected(
  projects: Projects,
  id: string,
  selection: Partial<StreamSelection>,
): Promise<Selected[]> {
  return projects.use(id, async (project) => {
    const feed = await project.select({ objects: [], udt: null, ...selection });
    try {
      return await readToHead(feed);
    } finally {
      feed.close();
    }
  });
}

export async function readToHead(feed: SelectedFeed): Promise<Selected[]> {
  const found: Selected[] = [];
  while (!feed.atHead) found.push(...((await feed.next()) ?? []));
  return found;
}

export function positionsIn(selected: readonly Selected[]): number[] {
  return selected.map(({ position }) => position);
}

/** The version uuid of each object. */
export function uuidsIn(selected: readonly Selected[]): string[] {
  return selected.map((one) =>
    one.type === 'object'
      ? (JSON.parse(Buffer.from(one.object).toString()) as { version_uuid: string }).version_uuid
      : one.type,
  );
}

/** An object to upload: the smallest that its kind may be. */
export interface Uploaded {
  readonly kind: ObjectKind;
  readonly uuid: string;
  /** Of an entry. */
  readonly report?: string;
  /** Of a thread or a comment. */
  readonly topic?: string;
}

export function uploadAll(
  projects: Projects,
  projectId: string,
  objects: readonly Uploaded[],
  user = 'anonymous',
): Promise<void> {
  const checked = objects.map((object) => ({
    kind: object.kind,
    projectId,
    fields: checkObject(object.kind, fieldsOf(object), object.uuid),
  }));
  return upload(projects, checked, { protocol: 'stream', user });
}

function fieldsOf({ kind, uuid, report = 'r', topic = 't' }: Uploaded): JsonObject {
  switch (kind) {
    case 'entry':
      return { version_uuid: uuid, report_uuid: report, entry_uuid: `e-${uuid}`, clip_id: '1', content: {} };
    case 'thread':
      return { version_uuid: uuid, thread_uuid: topic };
    case 'comment':
      return { version_uuid: uuid, comment_uuid: `c-${uuid}`, thread_uuid: topic };
  }
}
