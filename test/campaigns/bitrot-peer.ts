// The bit-rot campaign with a peer: one bit of a data folder is flipped, again and again in fresh copies, and its server starts
// beside another one that has the same. Everything must be there again without an operator.

import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { healRound, type HealOutcome, type HealResult } from './bitrot-peer/heal-round.ts';
import { makePair } from './bitrot-peer/pair.ts';
import { fileKinds, randomFlip, type FileKind, type Flip } from './bitrot/flip.ts';
import { Chance } from './kill9/chance.ts';
import type { Outcome } from './outcome.ts';

export interface BitrotPeerOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Of all wires on both servers, about. */
  readonly writes?: number;
  /** Which files are hit; default: all that hold data. */
  readonly kinds?: readonly FileKind[];
  readonly onRound?: (round: number, flip: Flip, result: HealResult) => void;
}

export interface BitrotPeerFigures {
  readonly rounds: number;
  readonly flips: Readonly<Record<FileKind, number>>;
  readonly outcomes: Readonly<Record<HealOutcome, number>>;
  /** Records that were fetched back into their places. */
  readonly fetched: number;
  readonly problems: readonly string[];
  readonly durationMs: number;
}

const defaultWrites = 2_000;

export async function runBitrotPeer({
  rounds,
  seed,
  writes = defaultWrites,
  kinds = fileKinds.filter((kind) => kind !== 'witness'), // which holds nothing that could be lost
  onRound,
}: BitrotPeerOptions): Promise<BitrotPeerFigures> {
  const startedMs = Date.now();
  const chance = new Chance(seed);
  const pair = await makePair(writes, chance.fork());
  const done: { flip: Flip; result: HealResult }[] = [];
  try {
    for (let round = 1; round <= rounds; round++) {
      const flip = await flipOf(kinds, pair.hit.data, chance.fork());
      const folders = { hit: await temporaryFolder(), peer: await temporaryFolder() };
      const result = await healRound(pair, flip, folders);
      await Promise.all([removeFolder(folders.hit), removeFolder(folders.peer)]);
      done.push({ flip, result });
      onRound?.(round, flip, result);
    }
  } finally {
    await Promise.all([removeFolder(pair.hit.data), removeFolder(pair.peer.data)]);
  }
  const outcome = (name: HealOutcome): number => done.filter(({ result }) => result.outcome === name).length;
  return {
    rounds,
    flips: Object.fromEntries(
      fileKinds.map((kind) => [kind, done.filter(({ flip }) => flip.kind === kind).length]),
    ) as Record<FileKind, number>,
    outcomes: {
      harmless: outcome('harmless'),
      healed: outcome('healed'),
      refused: outcome('refused'),
      'not healed': outcome('not healed'),
    },
    fetched: done.reduce((sum, { result }) => sum + result.fetched, 0),
    problems: done.flatMap(({ flip, result: { problem } }, at) =>
      problem === null
        ? []
        : [`round ${at + 1}: bit ${flip.bit} of byte ${flip.offset} of ${flip.file}: ${problem}`],
    ),
    durationMs: Date.now() - startedMs,
  };
}

export async function bitrotPeerCampaign({
  rounds,
  seed,
}: {
  readonly rounds: number;
  readonly seed: number;
}): Promise<Outcome> {
  const figures = await runBitrotPeer({
    rounds,
    seed,
    onRound: (round, { file, offset, bit }, { outcome, fetched, problem }) => {
      const failed = problem === null ? '' : `, FAILED: ${problem.slice(0, 300)}`;
      console.log(
        `round ${round}: ${file} byte ${offset} bit ${bit}: ${outcome}, ${fetched} fetched${failed}`,
      );
    },
  });
  const { outcomes, flips, fetched, problems, durationMs } = figures;
  const list = Object.entries(flips).map(([kind, count]) => `${kind} ${count}`);
  return {
    hasFailed: problems.length > 0 || outcomes.refused > 0 || fetched === 0,
    figures: {
      'bits flipped, one a round': `${figures.rounds} (${list.join(', ')})`,
      'everything was there again from the peer': outcomes.healed,
      'nothing was lost': outcomes.harmless,
      'the server did not start, and said why': outcomes.refused,
      'not healed': outcomes['not healed'],
      'records fetched back into their places, as the log tells': fetched,
      duration: `${Math.round(durationMs / 1000)} s`,
    },
    problems,
  };
}

async function flipOf(kinds: readonly FileKind[], data: string, chance: Chance): Promise<Flip> {
  for (;;) {
    const flip = await randomFlip(data, chance.fork());
    if (kinds.includes(flip.kind)) return flip;
  }
}
