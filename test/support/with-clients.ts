// Clients of the library for the tests of a suite: closed behind each test, quick to come back.

import { realClientEnvironment } from '../../src/client/client-environment.ts';
import { connect, type Client, type ClientOptions } from '../../src/client/client.ts';
import type { WithServer } from './with-server.ts';

/** Waits a fiftieth of the longest wait, so that tests don't. */
export const quickEnvironment = { ...realClientEnvironment, random: () => 0.02 };

export type NewClient = (options?: ClientOptions, url?: string) => Client;

/** @returns makes a client of the suite's server, or of the one at `url`. */
export function withClients({ server, atEnd }: Pick<WithServer, 'server' | 'atEnd'>): NewClient {
  return (options = {}, url = server().url) => {
    const client = connect(url, { environment: quickEnvironment, ...options });
    atEnd(() => client.close());
    return client;
  };
}

/** Resolves when the client's status is as wanted. */
export function reached(client: Client, wanted: Partial<Client['status']>): Promise<void> {
  const holds = (): boolean =>
    Object.entries(wanted).every(([name, value]) => client.status[name as keyof Client['status']] === value);
  return new Promise((resolve, reject) => {
    if (holds()) {
      resolve();
      return;
    }
    const off = client.on('status', () => {
      if (!holds()) return;
      done();
      resolve();
    });
    const late = setTimeout(() => {
      done();
      reject(new Error(`not ${JSON.stringify(wanted)} but ${JSON.stringify(client.status)}`));
    }, 10_000);
    const done = (): void => {
      off();
      clearTimeout(late);
    };
  });
}
