// Tells on standard error what becomes of a client's connection. `rejoin tail` and `rejoin upload` call it.

import type { Client } from '../client/client.ts';
import type { RejoinError } from '../errors.ts';
import { warn } from './flags.ts';

/** One sentence when there is no connection, however often it is tried, and one when there is one again. */
export function tellConnection(client: Client, url: URL): void {
  let isCut = false;
  let problem: string | null = null;
  client.on('status', (status) => {
    if (status.connected) {
      if (isCut) warn(`connected to ${url.href} again: going on`);
      isCut = false;
    } else if (status.offline && !isCut) {
      isCut = true;
      warn(
        `no connection to ${url.href}${status.problem === null ? '' : ` (${status.problem})`}: trying again`,
      );
    }
  });
  client.on('error', (error) => {
    if (isFinal(error) || error.message === problem) return;
    problem = error.message;
    warn(`the server says: ${error.message}`);
  });
}

/** It ends the command, which tells it. */
function isFinal({ code }: RejoinError): boolean {
  return code === 'deleted' || code === 'bad-request';
}
