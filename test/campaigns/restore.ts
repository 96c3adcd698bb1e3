// The restore campaign: a real server is backed up while clients write, then its folder is deleted, damaged or rolled back, and it goes on
// from the backup, with another server to replicate with or with its clients alone. No (server id, seqno) stands for two things, and
// what a peer or a client still had comes back (REP-8).

import { Chance } from './kill9/chance.ts';
import type { Outcome } from './outcome.ts';
import { disasters, type Disaster } from './restore/disaster.ts';
import { runRestoreRound, type RestoreRoundFigures, type RestoreRoundOptions } from './restore/round.ts';
import { wires, type Wire } from './servers/ledger.ts';

export interface RestoreOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly size: Size;
  /** Called after each round. */
  readonly onRound?: (round: number, disaster: Disaster, figures: RestoreRoundFigures) => void;
}

export interface RestoreFigures {
  readonly rounds: number;
  readonly disasters: Readonly<Record<Disaster, number>>;
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly broughtBack: number;
  /** The fewest that came back in a round. */
  readonly broughtBackLeast: number;
  readonly gone: number;
  readonly records: number;
  readonly problems: readonly string[];
  readonly durationMs: number;
}

type Size = 'full' | 'small';

const sizes: Readonly<Record<Size, Omit<RestoreRoundOptions, 'seed' | 'disaster'>>> = {
  full: { writesPerPhase: 40, writersPauseMs: { least: 5, most: 60 } },
  small: { writesPerPhase: 4, writersPauseMs: { least: 80, most: 240 } },
};

/** Ends early when a round finds a problem. */
export async function runRestore({ rounds, seed, size, onRound }: RestoreOptions): Promise<RestoreFigures> {
  const startedMs = Date.now();
  const chance = new Chance(seed);
  const first = chance.integer(0, disasters.length - 1);
  const counts = Object.fromEntries(disasters.map((disaster) => [disaster, 0])) as Record<Disaster, number>;
  const done: RestoreRoundFigures[] = [];
  const problems: string[] = [];
  while (done.length < rounds && problems.length === 0) {
    const disaster = disasters[(first + done.length) % disasters.length] ?? 'deleted';
    const roundSeed = chance.integer(1, 0x7fff_fffe);
    const round = await runRestoreRound({ ...sizes[size], seed: roundSeed, disaster });
    done.push(round);
    counts[disaster]++;
    const about = `round ${done.length} (${disaster}, its seed is ${roundSeed})`;
    problems.push(...round.problems.map((problem) => `${about}: ${problem}`));
    if (round.broughtBack === 0) problems.push(`${about}: nothing came back: it shows nothing`);
    onRound?.(done.length, disaster, round);
  }
  const sum = (of: (round: RestoreRoundFigures) => number): number =>
    done.reduce((total, round) => total + of(round), 0);
  return {
    rounds: done.length,
    disasters: counts,
    acknowledged: Object.fromEntries(
      wires.map((wire) => [wire, sum(({ acknowledged }) => acknowledged[wire])]),
    ) as Record<Wire, number>,
    broughtBack: sum(({ broughtBack }) => broughtBack),
    broughtBackLeast: Math.min(...done.map(({ broughtBack }) => broughtBack)),
    gone: sum(({ gone }) => gone),
    records: sum(({ records }) => records),
    problems,
    durationMs: Date.now() - startedMs,
  };
}

/** As the table of campaigns has it. */
export async function restoreCampaign(options: { rounds: number; seed: number }): Promise<Outcome> {
  const figures = await runRestore({
    ...options,
    size: 'full',
    onRound: (round, disaster, { acknowledged, broughtBack, gone, problems }) => {
      const writes = wires.map((wire) => `${wire} ${acknowledged[wire]}`).join(', ');
      console.log(
        `round ${round}, ${disaster}: acknowledged ${writes}; ${broughtBack} came back, ${gone} nobody had, problems ${problems.length}`,
      );
    },
  });
  const { acknowledged } = figures;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const sum = Object.values(acknowledged).reduce((total, count) => total + count, 0);
  return {
    hasFailed: figures.problems.length > 0,
    figures: {
      'folders backed up under load, then lost': `${figures.rounds} (${list(figures.disasters)})`,
      'acknowledged writes': `${sum} (${list(acknowledged)})`,
      'not in the backup, held by a peer or a client, and there again': figures.broughtBack,
      'acknowledged by the lost server alone, and held by nobody': figures.gone,
      'records that the servers have in the end': figures.records,
      'missing, numbers with two contents, other broken rules': figures.problems.length,
      duration: `${Math.round(figures.durationMs / 1000)} s`,
    },
    problems: figures.problems,
  };
}
