// Runs the simulation of one seed and says what is wrong with what it comes to. The tests and the campaign call it.

import { check } from './checker.ts';
import { World, type WorldCounts } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly servers?: number;
  readonly steps?: number;
  readonly traceLines?: number;
}

export interface SimulationResult {
  readonly seed: number;
  /** What is wrong; empty if nothing is. */
  readonly problems: readonly string[];
  /** Of all that happened. */
  readonly traceHash: number;
  /** The last things that happened. */
  readonly traceEnd: readonly string[];
  readonly counts: WorldCounts & {
    readonly events: number;
    readonly changes: number;
    readonly acknowledgedByStream: number;
    readonly acknowledgedByUdt: number;
    readonly acknowledgedByYjs: number;
    readonly forgiven: number;
    readonly compactions: number;
    readonly slicedSessions: number;
    readonly partsOfSessions: number;
  };
}

/** Whether the servers of a seed drop updates that a snapshot covers: those of every other one do. */
export function compacts(seed: number): boolean {
  return seed % 2 === 0;
}

export async function simulate({
  seed,
  servers = 3,
  steps = 300,
  traceLines = 60,
}: SimulationOptions): Promise<SimulationResult> {
  const world = new World({ seed, servers, steps, compacts: compacts(seed), traceLines });
  const { ledger, trace, clock } = world;
  try {
    await world.run();
    if (!world.hasFailed) world.heal();
    if (!world.hasFailed) await check(world);
  } catch (error) {
    ledger.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  world.end();
  return {
    seed,
    problems: ledger.problems,
    traceHash: trace.hash,
    traceEnd: trace.end,
    counts: {
      ...world.counts,
      events: clock.events,
      changes: ledger.changes.size,
      acknowledgedByStream: ledger.countPromised(world.streamClients),
      acknowledgedByUdt: ledger.countPromised(world.udtClients),
      acknowledgedByYjs: ledger.countPromised(world.yjsClients),
      forgiven: ledger.forgiven,
      compactions: ledger.compactions,
      slicedSessions: ledger.sessions.count,
      partsOfSessions: ledger.partsStored,
    },
  };
}

/** What a person needs to see it again. */
export function describe({ seed, problems, traceEnd }: SimulationResult): string {
  const repeat = `npm run campaign -- simulation --seeds 1 --seed ${seed}`;
  return [`seed ${seed} (${repeat}):`, ...problems.slice(0, 5), 'the end of its trace:', ...traceEnd].join(
    '\n',
  );
}
