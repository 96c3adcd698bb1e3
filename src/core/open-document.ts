// What a project has in memory while its document is open: the document, and the versions of its `udt` part.

import { RejoinError } from '../errors.ts';
import type { Life } from '../store/life.ts';
import { ProjectDocument } from './document.ts';
import type { LiveLog, ProjectContext } from './live-log.ts';
import type { ObservedEvent } from './observer.ts';
import { UdtHasher } from './udt-hash.ts';
import { UdtVersions } from './udt-versions.ts';

export interface OpenDocument {
  readonly document: ProjectDocument;
  readonly versions: UdtVersions;
}

/** Reads the document from the log. What was submitted before is durable first. */
export async function openDocument(
  log: LiveLog,
  { store, life }: Pick<ProjectContext, 'store' | 'life'>,
  observe: (type: Extract<ObservedEvent['type'], 'damage' | 'value-not-json'>, detail: string) => void,
): Promise<OpenDocument> {
  await log.settled().catch((cause: unknown) => {
    // Somebody else's write failed, whose outcome is unknown; nothing of ours was written.
    throw new RejoinError('unavailable', 'The store failed while the project was being opened', { cause });
  });
  const changes = log.readStored(1, log.durablePosition);
  const document = await ProjectDocument.load(changes, (detail) => observe('value-not-json', detail));
  const versions = await UdtVersions.load(
    store,
    log.keys,
    epochOf(log, life),
    new UdtHasher(),
    document.view,
  );
  if (versions.claimedHash !== null && versions.claimedHash !== versions.latest.hash) {
    observe('damage', 'the document does not have the hash that its newest version was stored with');
  }
  return { document, versions };
}

/** UDT-3: 0 in the life that created the session. */
function epochOf({ info }: LiveLog, { serverId, epoch }: Life): number {
  return info?.session?.serverId === serverId ? 0 : epoch;
}
