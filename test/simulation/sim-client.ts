// What the clients of the simulation have in common: one connection at a time, to a server that they leave for another now and
// then, and marks for what they write. The world has each of them act.

import { RejoinError } from '../../src/errors.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import type { Ledger } from './ledger.ts';
import type { SimClock } from './sim-clock.ts';
import { Cut, SimConnection } from './sim-connection.ts';
import type { SimServer } from './sim-server.ts';

/** The world, as far as its clients see it. */
export interface ClientWorld {
  readonly clock: SimClock;
  readonly servers: readonly SimServer[];
  readonly ledger: Ledger;
  /** At the end clients keep their server, and write nothing new. */
  readonly isEnding: boolean;
  note(what: string): void;
}

const retryMsMax = 300;

export abstract class SimClient {
  /** null while it is offline. */
  protected connection: SimConnection | null = null;
  /** How much it has written. */
  protected written = 0;

  constructor(
    readonly name: string,
    protected readonly world: ClientWorld,
    protected readonly chance: Chance,
    private home: SimServer,
  ) {}

  /** The world's step: does something that a user might do. */
  act(): void {
    if (!this.connection) this.connect();
    else this.write();
  }

  /** Is the connection this one's? Used when a server dies. */
  isAt(server: SimServer): boolean {
    return this.connection?.server === server;
  }

  /** Goes to another server, with all it has. */
  move(): void {
    this.leave();
    this.home = this.chance.pick([...this.world.servers] as [SimServer, ...SimServer[]]);
    this.note(`moves to server ${this.home.index}`);
    this.connect();
  }

  /** The connection breaks, without a word. */
  cut(): void {
    this.connection?.end(true);
  }

  /** Comes back to its server, if it is there; else it tries again. */
  connect(): void {
    if (this.connection) return;
    const { isOpen } = this.home; // it may be decided by asking
    const { run } = this.home;
    if (!run || !isOpen) {
      this.later(() => this.connect());
      return;
    }
    const { clock } = this.world;
    this.connection = new SimConnection(this.home, run, clock, this.chance, () => {
      this.connection = null;
      this.lost();
      this.later(() => this.connect());
    });
    this.note(`is at server ${this.home.index}`);
    this.connected(this.connection);
  }

  /** Whether all it wrote is acknowledged and it is connected. */
  abstract readonly isQuiet: boolean;
  /** Whether it has what it was promised by itself, and brings it back wherever it is lost. */
  abstract holds(mark: string): boolean;
  protected abstract connected(connection: SimConnection): void;
  /** The connection is gone. */
  protected abstract lost(): void;
  protected abstract write(): void;

  protected mark(): string {
    return `~${this.name}x${++this.written}~`;
  }

  protected note(what: string): void {
    this.world.note(`${this.name} ${what}`);
  }

  protected later(run: () => void): void {
    this.world.clock.after(this.chance.integer(10, retryMsMax), run);
  }

  /** Runs what may be refused for now: it is begun again some time later, unless the connection is gone. */
  protected trying(connection: SimConnection, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (error instanceof Cut) return; // it is begun again with the next connection
      if (!isForNow(error)) {
        this.world.ledger.fail(
          `${this.name}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
        );
        return;
      }
      this.later(() => {
        if (connection.isOpen) this.trying(connection, work);
      });
    });
  }

  private leave(): void {
    const { connection } = this;
    this.connection = null;
    connection?.end(false);
    if (connection) this.lost();
  }
}

/** Refused for the moment: the project is deleted, isn't there yet, or the server is busy with itself. */
function isForNow(error: unknown): error is RejoinError {
  return (
    error instanceof RejoinError &&
    ['deleted', 'unavailable', 'outcome-unknown', 'not-found'].includes(error.code)
  );
}
