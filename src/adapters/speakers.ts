// Who speaks for whom in a room: the clients that each connection has brought, and the names that these have given
// themselves. `Presence` keeps it up to date.

import { userNameIn } from '../wire/awareness-name.ts';

export class Speakers<Connection extends object> {
  /** clientID → the connection that spoke for it last. */
  private readonly connections = new Map<number, Connection>();
  private readonly clients = new WeakMap<Connection, Set<number>>();
  private readonly names = new Map<number, string>();

  /** Notes that a connection has told a client's state, which differs from what was told before or is newer. */
  spoke(connection: Connection, client: number, state: unknown): void {
    const before = this.connections.get(client);
    if (before !== connection) {
      if (before) this.clients.get(before)?.delete(client);
      this.connections.set(client, connection);
      let clients = this.clients.get(connection);
      if (!clients) this.clients.set(connection, (clients = new Set()));
      clients.add(client);
    }
    const name = userNameIn(state);
    if (name === undefined) this.names.delete(client);
    else this.names.set(client, name);
  }

  gone(client: number): void {
    const connection = this.connections.get(client);
    if (connection) this.clients.get(connection)?.delete(client);
    this.connections.delete(client);
    this.names.delete(client);
  }

  /** Those that a connection speaks for, in the order in which it brought them. */
  clientsOf(connection: Connection): ReadonlySet<number> {
    return this.clients.get(connection) ?? nobody;
  }

  /** The name of the first client of a connection that has one. */
  nameOf(connection: Connection): string | undefined {
    for (const client of this.clientsOf(connection)) {
      const name = this.names.get(client);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  nameOfClient(client: number): string | undefined {
    return this.names.get(client);
  }
}

const nobody: ReadonlySet<number> = new Set();
