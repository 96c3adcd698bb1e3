// What a reader's `since` says of this server itself: one that knows a number of ours which we don't have was given it before
// this folder was rolled back or restored (REP-8). Project calls it before a stream is opened.

import type { StreamSelection } from '../model/selection.ts';
import type { ProjectState } from './project-state.ts';

/** Takes a new life if so, at most once per start and project: a reader may also be wrong, or lie. */
export async function heedClaims(state: ProjectState, { objects, udt }: StreamSelection): Promise<void> {
  const { context, log, id } = state;
  await log.ready();
  const { serverId } = context.life;
  const claimed = Math.max(
    0,
    ...[...objects.map(({ since }) => since), udt].map((since) => since?.get(serverId) ?? 0),
  );
  const known = log.appended.vector.get(serverId) ?? 0;
  if (claimed <= known || context.heeded.has(id)) return;
  context.heeded.add(id);
  await context.renewLife(
    `a client has change ${claimed} of ${JSON.stringify(id)} by this server, which knows ${known}: the data folder may have been rolled back`,
    serverId,
  );
}
