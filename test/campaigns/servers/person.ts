// A client that works on one server until it moves to another, and comes back by itself when it was cut off: what all of the
// campaign's have in common.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../kill9/chance.ts';
import type { Address } from '../kill9/writer.ts';
import { markOf, type Ledger, type Wire } from './ledger.ts';

export interface PersonOptions {
  /** Small letters and a number, its own. */
  readonly name: string;
  readonly home: Address;
  readonly ledger: Ledger;
  readonly chance: Chance;
  /** Between two writes. */
  readonly pauseMs: { readonly least: number; readonly most: number };
}

export abstract class Person {
  abstract readonly wire: Wire;
  readonly name: string;
  protected readonly ledger: Ledger;
  protected readonly chance: Chance;
  /** How often it went to another server. */
  moves = 0;
  protected isWriting = false;
  private at: Address;
  private readonly pauseMs: PersonOptions['pauseMs'];
  private writing: Promise<void> = Promise.resolve();
  protected writes = 0;

  constructor({ name, home, ledger, chance, pauseMs }: PersonOptions) {
    this.name = name;
    this.at = home;
    this.ledger = ledger;
    this.chance = chance;
    this.pauseMs = pauseMs;
  }

  /** How many writes it has begun. */
  get begun(): number {
    return this.writes;
  }

  /** The server that it is at. */
  get home(): Address {
    return this.at;
  }

  /** Writes from now on. */
  start(): void {
    this.isWriting = true;
    const write = async (): Promise<void> => {
      while (this.isWriting) {
        await this.write();
        await sleep(this.chance.integer(this.pauseMs.least, this.pauseMs.most));
      }
    };
    this.writing = write().catch((error: unknown) => this.ledger.fail(`${this.name}: ${String(error)}`));
  }

  async moveTo(home: Address): Promise<void> {
    if (home === this.at) return;
    this.at = home;
    this.moves++;
    await this.moved();
  }

  /** Writes no more. */
  async stop(): Promise<void> {
    this.isWriting = false;
    await this.writing;
  }

  /** What it still waits for; null when all that it wrote is acknowledged, and it has what its server has. */
  abstract waitsFor(): Promise<string | null>;

  /** It was stopped, and leaves. */
  abstract leave(): Promise<void>;

  /** Once; without waiting for its server for longer than a request takes. */
  protected abstract write(): Promise<void>;

  /** It has another home. */
  protected abstract moved(): Promise<void>;

  protected newMark(): string {
    return markOf(this.name, ++this.writes);
  }

  protected acknowledge(mark: string, project: string, isObject: boolean): void {
    this.ledger.acknowledge(mark, { project, wire: this.wire, isObject });
  }
}
