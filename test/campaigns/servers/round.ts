// One round: servers start, clients write on every wire, things go wrong for a while; then all is healed, and everybody must have the
// same, with nothing missing of what was acknowledged.

import { messageOf } from '../../../src/errors.ts';
import { Chance } from '../kill9/chance.ts';
import { checkAll, type Found } from './check-all.ts';
import { Crew } from './crew.ts';
import { Faults, type Deck, type FaultOptions, type FaultType } from './faults.ts';
import { errorLines, Fleet, type Shape } from './fleet.ts';
import { Ledger, wires, type Wire } from './ledger.ts';
import type { PersonOptions } from './person.ts';

export interface RoundOptions {
  readonly seed: number;
  readonly shape: Shape;
  readonly deck: Deck;
  readonly faultsPauseMs: FaultOptions['pauseMs'];
  readonly faultsLastMs: FaultOptions['lastsMs'];
  readonly writersPauseMs: PersonOptions['pauseMs'];
}

export interface RoundFigures {
  readonly problems: readonly string[];
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly faults: Readonly<Record<FaultType, number>>;
  /** Clients and readers that went to another server. */
  readonly moved: number;
  /** Records that each server has in the end. */
  readonly records: number;
  /** Versions of the shared entry that are shown beside the latest. */
  readonly conflicts: number;
}

export async function runRound(options: RoundOptions): Promise<RoundFigures> {
  const chance = new Chance(options.seed);
  const ledger = new Ledger();
  const fleet = await Fleet.start(options.shape);
  let crew: Crew | null = null;
  let faults: Faults | null = null;
  let found: Found = { records: 0, conflicts: 0, logs: [] };
  try {
    crew = await Crew.gather(fleet, ledger, chance.fork(), options.writersPauseMs);
    const { faultsPauseMs: pauseMs, faultsLastMs: lastsMs } = options;
    faults = new Faults({ fleet, crew, ledger, chance: chance.fork(), pauseMs, lastsMs });
    crew.start();
    await faults.run(options.deck);
    await crew.stop();
    found = await checkAll(fleet, crew, ledger);
    checkLives(fleet, found, ledger);
  } catch (error) {
    ledger.fail(`it could not be carried out: ${messageOf(error)}`);
  } finally {
    await crew?.leave();
    await fleet.remove();
  }
  for (const server of fleet.servers)
    for (const line of errorLines(server.output)) ledger.fail(`server ${server.id} said ${line}`);
  const moves = [...(crew?.people ?? []), ...(crew?.followers ?? [])].map(({ moves: count }) => count);
  return {
    problems: ledger.problems,
    acknowledged: Object.fromEntries(wires.map((wire) => [wire, ledger.count(wire)])) as Record<Wire, number>,
    faults: faults?.counts ?? options.deck,
    moved: moves.reduce((sum, count) => sum + count, 0),
    records: found.records,
    conflicts: found.conflicts,
  };
}

/** Nothing was lost, so nobody needed a new server id. */
function checkLives({ servers }: Fleet, { logs }: Found, ledger: Ledger): void {
  const ids = new Set(
    logs
      .flatMap((log) => [...log.values()])
      .flatMap(({ records }) => records.map(({ serverId }) => serverId)),
  );
  for (const id of ids) if (id > servers.length) ledger.fail(`a server has taken the server id ${id}`);
}
