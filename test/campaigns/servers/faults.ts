// What happens to the servers and the lines between them while clients write, and which clients go elsewhere: a deck of events,
// shuffled by the seed, so that each kind happens as often as it should.

import { setTimeout as sleep } from 'node:timers/promises';
import { deleteProject, pathOf, rest } from '../../support/rest-client.ts';
import type { Chance } from '../kill9/chance.ts';
import type { Crew } from './crew.ts';
import { goneId } from './crew.ts';
import { eventually, type Fleet, type FleetServer, type Line } from './fleet.ts';
import { wires, type Ledger } from './ledger.ts';

export const faultTypes = [
  'partition',
  'cut',
  'shut',
  'stall',
  'delay',
  'kill',
  'cut-clients',
  'move',
  'delete',
] as const;
export type FaultType = (typeof faultTypes)[number];
/** How often each happens in a round. */
export type Deck = Readonly<Record<FaultType, number>>;

export interface FaultOptions {
  readonly fleet: Fleet;
  readonly crew: Crew;
  readonly ledger: Ledger;
  readonly chance: Chance;
  /** Between two events, and how long one lasts. */
  readonly pauseMs: { readonly least: number; readonly most: number };
  readonly lastsMs: { readonly least: number; readonly most: number };
}

/** On each wire, before something is killed: so that it is in full swing. */
const acknowledgedBetween = 3;
const countEveryMs = 10;

export class Faults {
  readonly counts: Record<FaultType, number>;
  /** Kills take turns, so do deletions. */
  private killing: Promise<void> = Promise.resolve();
  private deleting: Promise<void> = Promise.resolve();
  private readonly options: FaultOptions;

  constructor(options: FaultOptions) {
    this.options = options;
    this.counts = Object.fromEntries(faultTypes.map((type) => [type, 0])) as Record<FaultType, number>;
  }

  /** Resolves when all has happened, servers run again and lines are open. */
  async run(deck: Deck): Promise<void> {
    const { chance, pauseMs, fleet } = this.options;
    const cards = shuffled(
      chance,
      faultTypes.flatMap((type) => Array.from({ length: deck[type] }, () => type)),
    );
    const lasting: Promise<void>[] = [];
    for (const type of cards) {
      await this.progress();
      lasting.push(this.happen(type));
      this.counts[type]++;
      await sleep(chance.integer(pauseMs.least, pauseMs.most));
    }
    await Promise.all(lasting);
    await fleet.heal();
    await this.progress();
  }

  /** Resolves when each wire has acknowledged something more. */
  private async progress(): Promise<void> {
    const { ledger } = this.options;
    const due = wires.map((wire) => [wire, ledger.count(wire) + acknowledgedBetween] as const);
    const problem = await eventually(() => {
      const behind = due.find(([wire, count]) => ledger.count(wire) < count);
      return Promise.resolve(behind ? `writes on ${behind[0]} are acknowledged` : null);
    }, countEveryMs);
    if (problem) throw new Error(problem);
  }

  private happen(type: FaultType): Promise<void> {
    const { chance, fleet } = this.options;
    const line = chance.pick(fleet.lines as [Line, ...Line[]]);
    const server = chance.pick(fleet.servers as [FleetServer, ...FleetServer[]]);
    switch (type) {
      case 'partition':
        return this.lasting(fleet.lines, (each) => each.relay.set('shut'));
      case 'cut':
        line.relay.cut();
        return Promise.resolve();
      case 'shut':
        return this.lasting([line], ({ relay }) => relay.set('shut'));
      case 'stall':
        return this.lasting([line], ({ relay }) => relay.set('stalled'));
      case 'delay':
        return this.lasting([line], ({ relay }) => (relay.delayMs = chance.integer(20, 200)));
      case 'kill':
        return (this.killing = this.killing.then(() => this.kill(server)));
      case 'cut-clients':
        server.front.cut();
        return Promise.resolve();
      case 'move':
        return this.move();
      case 'delete':
        return (this.deleting = this.deleting.then(() => this.deleteAndBringBack(server)));
    }
  }

  private async lasting(lines: readonly Line[], begin: (line: Line) => void): Promise<void> {
    lines.forEach(begin);
    await this.last();
    for (const { relay } of lines) relay.heal();
  }

  private last(): Promise<void> {
    const { chance, lastsMs } = this.options;
    return sleep(chance.integer(lastsMs.least, lastsMs.most));
  }

  private async kill(server: FleetServer): Promise<void> {
    await server.end('SIGKILL');
    await this.last();
    await server.start();
  }

  /** Of each wire one client goes to the next server, and one reader of each project. */
  private async move(): Promise<void> {
    const { chance, fleet, crew } = this.options;
    const { servers } = fleet;
    const to = chance.pick(servers as [FleetServer, ...FleetServer[]]);
    const elsewhere = crew.people.filter(({ home }) => home !== to);
    const movers = wires.flatMap((wire) => elsewhere.find((person) => person.wire === wire) ?? []);
    for (const project of crew.projects)
      crew.followers.find((follower) => follower.project === project)?.moveTo(to);
    await Promise.all(movers.map((person) => person.moveTo(to)));
  }

  private async deleteAndBringBack({ url }: FleetServer): Promise<void> {
    const is = (status: number, change: () => Promise<unknown>) => async (): Promise<string | null> => {
      try {
        await change();
        const now = (await rest(url, pathOf(goneId))).status;
        return now === status ? null : `${goneId} to answer ${status}, it answers ${now}`;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return `${url} to answer`; // it was killed
      }
    };
    const problem =
      (await eventually(is(410, () => deleteProject(url, goneId)))) ??
      (await this.last(),
      await eventually(is(200, () => rest(url, pathOf(goneId, '/undelete'), { method: 'POST' }))));
    if (problem) this.options.ledger.fail(problem);
  }
}

function shuffled<T>(chance: Chance, list: readonly T[]): T[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(chance.integer(0, rest.length - 1), 1));
}
