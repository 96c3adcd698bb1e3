// What a reader of the whole history of a project is given: the version uuids of its entries, in order.

import type { Match } from '../../src/model/selection.ts';
import type { MemoryServer } from './memory-servers.ts';

/** @param match only those of a report, a topic or a user. @throws RejoinError `damaged` where the log has a hole. */
export function streamedVersions({ projects }: MemoryServer, match: Match | null = null): Promise<string[]> {
  return projects.use('p', async (project) => {
    const selection = { objects: [{ kind: 'entry' as const, since: new Map(), match }], udt: null };
    const feed = await project.select(selection);
    const versions: string[] = [];
    while (!feed.atHead)
      for (const selected of (await feed.next()) ?? [])
        if (selected.type === 'object')
          versions.push(
            (JSON.parse(Buffer.from(selected.object).toString()) as { version_uuid: string }).version_uuid,
          );
    feed.close();
    return versions;
  });
}
