// Listening sockets that a supervisor hands over by systemd's protocol (sd_listen_fds(3)): LISTEN_FDS says how many,
// LISTEN_PID for which process; the first is file descriptor 3. The command line calls it.

import { RejoinError } from '../errors.ts';

const firstFd = 3;
const fdsMax = 16;

export interface ListenFds {
  readonly fds: readonly number[];
  /** What the operator should know, or null. */
  readonly warning: string | null;
}

/**
 * The sockets handed over to the process `pid`; none if they are for another one.
 * @throws RejoinError `usage`.
 */
export function readListenFds(
  variables: Readonly<Record<string, string | undefined>>,
  pid: number,
): ListenFds {
  const { LISTEN_FDS: count, LISTEN_PID: receiver } = variables;
  if (count === undefined) return { fds: [], warning: null };
  if (receiver !== String(pid)) {
    const warning = `LISTEN_FDS is ignored: LISTEN_PID names process ${receiver ?? '(none)'} and this one is ${pid}. A unit should run node itself, not npm or a shell`;
    return { fds: [], warning };
  }
  const fds = Number(count);
  if (!/^\d+$/.test(count) || fds > fdsMax)
    throw new RejoinError('usage', `LISTEN_FDS=${count} should be a number of sockets, ${fdsMax} at most`);
  return { fds: Array.from({ length: fds }, (_, index) => firstFd + index), warning: null };
}
