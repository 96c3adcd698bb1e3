// A client for as long as a piece of work takes, which isn't for ever: a server that can't be reached, or that can't do what
// it is asked, is waited for only so long. `rejoin upload` calls it.

import { connect, type Client } from '../client/client.ts';
import type { Storage } from '../client/storage.ts';
import { RejoinError } from '../errors.ts';
import { tellConnection } from './connection-sentences.ts';

export interface ClientWork {
  readonly url: URL;
  readonly storage: Storage;
  /** It is given up after so long without a connection, or without progress since the server has said an error. */
  readonly waitMs: number;
}

/** Runs `use` with a client, which it closes. @throws RejoinError `unavailable` if it is given up. */
export async function withClient<T>(
  { url, storage, waitMs }: ClientWork,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = connect(url, { storage });
  tellConnection(client, url);
  const patience = new Patience(client, url, waitMs);
  try {
    return await Promise.race([use(client), patience.exhausted]);
  } finally {
    patience.end();
    await client.close();
  }
}

class Patience {
  /** Rejects when it is. */
  readonly exhausted: Promise<never>;
  private timer: NodeJS.Timeout | undefined;
  private lastError: RejoinError | null = null;

  constructor(client: Client, url: URL, waitMs: number) {
    this.exhausted = new Promise((_, reject) => {
      const wait = (): void => {
        this.timer ??= setTimeout(() => reject(this.reason(client, url)), waitMs);
      };
      client.on('status', ({ connected }) => {
        if (connected) this.end();
        else wait();
      });
      client.on('error', (error) => {
        this.lastError = error;
        wait();
      });
      wait();
    });
    this.exhausted.catch(() => undefined); // whoever races with it hears of it
  }

  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastError = null;
  }

  private reason({ status }: Client, { href }: URL): RejoinError {
    const why = status.problem === null ? '' : `: ${status.problem}`;
    const what =
      status.connected && this.lastError
        ? `The server at ${href} can't do it: ${this.lastError.message}`
        : `There is no connection to ${href}${why}`;
    const comfort = 'What was uploaded stays; run the same command again for the rest';
    return new RejoinError('unavailable', `${what}. ${comfort}`);
  }
}
