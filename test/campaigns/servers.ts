// The servers campaign: two or three servers as processes replicate over lines that are cut, stalled and slow, and are killed and
// started again, while clients on every wire write, go from one to another, and edit the same things; a project is deleted and brought
// back. In the end all servers and clients have the same, and nothing that was acknowledged is missing (REP-1 to REP-6, REP-14).

import { Chance } from './kill9/chance.ts';
import type { Outcome } from './outcome.ts';
import { faultTypes, type Deck, type FaultType } from './servers/faults.ts';
import { shapes, type Shape } from './servers/fleet.ts';
import { wires, type Wire } from './servers/ledger.ts';
import { runRound, type RoundFigures, type RoundOptions } from './servers/round.ts';

export interface ServersOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Many things go wrong in a round, or each once. */
  readonly size: Size;
  /** Called after each round. */
  readonly onRound?: (round: number, shape: Shape, figures: RoundFigures) => void;
}

export interface ServersFigures {
  readonly rounds: number;
  readonly shapes: Readonly<Record<Shape, number>>;
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly faults: Readonly<Record<FaultType, number>>;
  readonly moved: number;
  readonly records: number;
  readonly conflicts: number;
  readonly problems: readonly string[];
  readonly durationMs: number;
}

type Size = 'full' | 'small';

const shapeNames = ['ring', 'chain', 'pair', 'star'] as const satisfies readonly Shape[];

const sizes: Readonly<Record<Size, Omit<RoundOptions, 'seed' | 'shape'>>> = {
  full: {
    deck: {
      partition: 2,
      cut: 2,
      shut: 1,
      stall: 2,
      delay: 1,
      kill: 3,
      'cut-clients': 2,
      move: 4,
      delete: 2,
    },
    faultsPauseMs: { least: 100, most: 1_200 },
    faultsLastMs: { least: 200, most: 3_000 },
    writersPauseMs: { least: 5, most: 60 },
  },
  small: {
    deck: {
      partition: 1,
      cut: 1,
      shut: 0,
      stall: 1,
      delay: 0,
      kill: 1,
      'cut-clients': 0,
      move: 1,
      delete: 1,
    },
    faultsPauseMs: { least: 20, most: 150 },
    faultsLastMs: { least: 100, most: 400 },
    writersPauseMs: { least: 80, most: 240 },
  },
};

/** Ends early when a round finds a problem. */
export async function runServers({ rounds, seed, size, onRound }: ServersOptions): Promise<ServersFigures> {
  const startedMs = Date.now();
  const chance = new Chance(seed);
  const first = chance.integer(0, shapeNames.length - 1);
  const figures = emptyFigures();
  const problems: string[] = [];
  while (figures.rounds < rounds && problems.length === 0) {
    const shape = shapeNames[(first + figures.rounds) % shapeNames.length] ?? 'ring';
    const roundSeed = chance.integer(1, 0x7fff_fffe);
    const round = await runRound({ ...sizes[size], seed: roundSeed, shape });
    add(figures, shape, round);
    const about = `round ${figures.rounds} (${shape}, its seed is ${roundSeed})`;
    problems.push(...round.problems.map((problem) => `${about}: ${problem}`));
    onRound?.(figures.rounds, shape, round);
  }
  return { ...figures, problems, durationMs: Date.now() - startedMs };
}

/** As the table of campaigns has it. */
export async function serversCampaign(options: { rounds: number; seed: number }): Promise<Outcome> {
  const figures = await runServers({
    ...options,
    size: 'full',
    onRound: (round, shape, { acknowledged, records, moved, problems }) => {
      const writes = wires.map((wire) => `${wire} ${acknowledged[wire]}`).join(', ');
      console.log(
        `round ${round}, ${shape}: acknowledged ${writes}; ${records} records, ${moved} moves, problems ${problems.length}`,
      );
    },
  });
  return {
    hasFailed: figures.problems.length > 0,
    figures: printFigures(figures),
    problems: figures.problems,
  };
}

function printFigures({ acknowledged, faults, ...figures }: ServersFigures): Outcome['figures'] {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const sum = Object.values(acknowledged).reduce((total, count) => total + count, 0);
  return {
    'rounds, each with servers of its own': `${figures.rounds} (${list(figures.shapes)})`,
    'acknowledged writes': `${sum} (${list(acknowledged)})`,
    'kill -9 of a server, then started again': faults.kill,
    'lines cut, shut, stalled, slow': `${faults.cut}, ${faults.shut}, ${faults.stall}, ${faults.delay}`,
    'all lines shut at once': faults.partition,
    'all clients of a server cut off': faults['cut-clients'],
    'clients that went to another server': figures.moved,
    'a project deleted and brought back': faults.delete,
    'records that all servers of a round have in the end': figures.records,
    'versions in conflict, the same on all servers': figures.conflicts,
    'acknowledged and then missing, differences, other broken rules': figures.problems.length,
    duration: `${Math.round(figures.durationMs / 1000)} s`,
  };
}

interface Sums {
  rounds: number;
  moved: number;
  records: number;
  conflicts: number;
  readonly shapes: Record<Shape, number>;
  readonly acknowledged: Record<Wire, number>;
  readonly faults: Record<FaultType, number>;
}

function emptyFigures(): Sums {
  const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  return {
    rounds: 0,
    moved: 0,
    records: 0,
    conflicts: 0,
    shapes: zeros(Object.keys(shapes) as Shape[]),
    acknowledged: zeros(wires),
    faults: zeros(faultTypes),
  };
}

function add(sums: Sums, shape: Shape, round: RoundFigures): void {
  sums.rounds++;
  sums.shapes[shape]++;
  for (const name of ['moved', 'records', 'conflicts'] as const) sums[name] += round[name];
  for (const wire of wires) sums.acknowledged[wire] += round.acknowledged[wire];
  for (const fault of faultTypes) sums.faults[fault] += round.faults[fault];
}

/** What happens in a round of a size, by which a run is judged. */
export function deckOf(size: Size): Deck {
  return sizes[size].deck;
}
