// The figures of a campaign with a failing disk, summed over its rounds.

import type { Figures } from '../results.ts';
import type { Ledger, Wire } from '../kill9/ledger.ts';
import type { FailingRound } from './failing-round.ts';

export interface FailingFigures {
  readonly rounds: number;
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly unacknowledged: Readonly<Record<Wire, number>>;
  /** Answers that said that the disk fails. */
  readonly refusals: number;
  /** How often all was read while the disk failed. */
  readonly readsWhileFailing: number;
  readonly acknowledgedWhileFailing: number;
  readonly lost: number;
  readonly numbersUsedTwice: number;
  readonly holes: number;
  readonly otherProblems: number;
  /** The first of the problems, in words. */
  readonly problems: readonly string[];
}

const problemsTold = 20;

export function figuresOf(rounds: readonly FailingRound[]): FailingFigures {
  const sum = (count: (ledger: Ledger) => number): number =>
    rounds.reduce((total, { ledger }) => total + count(ledger), 0);
  const writes = (isAcknowledged: boolean): Record<Wire, number> => ({
    stream: sum((ledger) => ledger.count('stream', isAcknowledged)),
    udt: sum((ledger) => ledger.count('udt', isAcknowledged)),
    yjs: sum((ledger) => ledger.count('yjs', isAcknowledged)),
  });
  const problems = rounds.flatMap(({ ledger }) => ledger.problems);
  return {
    rounds: rounds.length,
    acknowledged: writes(true),
    unacknowledged: writes(false),
    refusals: sum(({ refusals }) => refusals),
    readsWhileFailing: rounds.reduce((total, round) => total + round.readsWhileFailing, 0),
    acknowledgedWhileFailing: rounds.reduce((total, round) => total + round.acknowledgedWhileFailing, 0),
    lost: sum((ledger) => ledger.countProblems('lost')),
    numbersUsedTwice: sum((ledger) => ledger.countProblems('used-twice')),
    holes: sum((ledger) => ledger.countProblems('hole')),
    otherProblems: sum((ledger) => ledger.countProblems('rule')),
    problems: problems.map(({ type, detail }) => `${type}: ${detail}`).slice(0, problemsTold),
  };
}

export function printFigures(figures: FailingFigures): Figures {
  const perWire = ({ stream, udt, yjs }: FailingFigures['acknowledged']): string =>
    `${stream + udt + yjs} (/ws uploads ${stream}, UDT PATCHes ${udt}, Yjs transactions ${yjs})`;
  return {
    rounds: figures.rounds,
    'acknowledged writes': perWire(figures.acknowledged),
    'writes without an acknowledgement': perWire(figures.unacknowledged),
    'answers that the disk fails': figures.refusals,
    'times that all was read while it failed': figures.readsWhileFailing,
    'acknowledged while it failed': figures.acknowledgedWhileFailing,
    'acknowledged or shown, then lost': figures.lost,
    'numbers used twice': figures.numbersUsedTwice,
    holes: figures.holes,
    'other broken rules': figures.otherProblems,
  };
}
