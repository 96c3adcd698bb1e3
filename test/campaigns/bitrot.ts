// The bit-rot campaign: one bit of a data folder is flipped, again and again in fresh copies. Nothing wrong may be served,
// nothing acknowledged may be missing without a word, and no number may be given a second time.

import { isDeepStrictEqual } from 'node:util';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { makeBase, type Base, type Ending } from './bitrot/base.ts';
import { fileKinds, randomFlip, type FileKind, type Flip } from './bitrot/flip.ts';
import { rottenRound, type Outcome, type ProblemType, type RoundResult } from './bitrot/rotten-round.ts';
import { Chance } from './kill9/chance.ts';
import type { Wire } from './kill9/ledger.ts';

export interface BitrotOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Acknowledged writes in each of the two folders that are hit, at least. */
  readonly writes?: number;
  readonly onRound?: (round: number, flip: Flip, result: RoundResult) => void;
}

export interface BitrotFigures {
  readonly rounds: number;
  readonly flips: Readonly<Record<FileKind, number>>;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Of those that were detected: with everything served all the same. */
  readonly detectedAndWhole: number;
  /** Changes that the logs of all rounds lost, as was told. */
  readonly changesGone: { readonly detected: number; readonly torn: number };
  /** Of those that looked like a cut off write: with numbers of it given again. */
  readonly tornWithReuse: number;
  readonly failures: Readonly<Record<ProblemType, number>>;
  readonly acknowledged: Readonly<Record<Wire, number>>;
  /** Of both folders: records without their update, and chunks of snapshots. */
  readonly compacted: number;
  readonly snapshotChunks: number;
  /** The first of the problems, in words. */
  readonly problems: readonly string[];
  readonly durationMs: number;
}

const defaultWrites = 5_000;
const problemsTold = 20;

export async function runBitrot({
  rounds,
  seed,
  writes = defaultWrites,
  onRound,
}: BitrotOptions): Promise<BitrotFigures> {
  const startedMs = Date.now();
  const chance = new Chance(seed);
  const bases: Base[] = [];
  // Each Yjs client listens for the end of the process, and those of both folders are more than Node expects.
  process.setMaxListeners(Math.max(process.getMaxListeners(), 32));
  const done: { flip: Flip; result: RoundResult }[] = [];
  const problems: string[] = [];
  try {
    const make = async (ending: Ending): Promise<Base> => {
      const base = await makeBase({ ending, writes, chance: chance.fork() });
      bases.push(base);
      return base;
    };
    const [stopped, killed] = await Promise.all([make('stopped'), make('killed')]);
    for (const base of bases) await checkUnharmed(base, chance.fork());
    for (let round = 1; round <= rounds; round++) {
      const base = chance.pick([stopped, killed]);
      const flip = await randomFlip(base.data, chance.fork());
      const result = await inNewFolder((data) => rottenRound(base, flip, { data, chance: chance.fork() }));
      done.push({ flip, result });
      onRound?.(round, flip, result);
      const where = `round ${round}: bit ${flip.bit} of byte ${flip.offset} of ${flip.file} in ${base.data} (${base.ending})`;
      problems.push(
        ...result.problems.map(({ type, detail }) => `${type}: ${where}: ${detail.slice(0, 2_000)}`),
      );
    }
    return {
      ...figuresOf(done, bases),
      problems: problems.slice(0, problemsTold),
      durationMs: Date.now() - startedMs,
    };
  } finally {
    // What was hit when something went wrong is kept, so that it can be looked at.
    if (problems.length === 0) for (const { data } of bases) await removeFolder(data);
  }
}

/** Where no bit is flipped, nothing may be found. */
async function checkUnharmed(base: Base, chance: Chance): Promise<void> {
  const { outcome, isWhole, problems } = await inNewFolder((data) =>
    rottenRound(base, null, { data, chance }),
  );
  // A kill may really have cut off a write.
  const isExpected = outcome === 'harmless' || (outcome === 'torn' && base.ending === 'killed');
  if (!isExpected || !isWhole || !isDeepStrictEqual(problems, []))
    throw new Error(`an unharmed folder is ${outcome}: ${JSON.stringify(problems.slice(0, 3))}`);
}

async function inNewFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await temporaryFolder();
  try {
    return await work(folder);
  } finally {
    await removeFolder(folder);
  }
}

function figuresOf(
  done: readonly { flip: Flip; result: RoundResult }[],
  bases: readonly Base[],
): Omit<BitrotFigures, 'problems' | 'durationMs'> {
  const count = (holds: (round: { flip: Flip; result: RoundResult }) => boolean): number =>
    done.filter(holds).length;
  const outcome = (name: Outcome): number => count(({ result }) => result.outcome === name);
  const gone = (name: Outcome): number =>
    done.reduce((total, { result }) => total + (result.outcome === name ? result.changesGone : 0), 0);
  const failure = (name: ProblemType): number =>
    count(({ result }) => result.problems.some(({ type }) => type === name));
  const sum = (value: (base: Base) => number): number =>
    bases.reduce((total, base) => total + value(base), 0);
  return {
    rounds: done.length,
    flips: Object.fromEntries(
      fileKinds.map((kind) => [kind, count(({ flip }) => flip.kind === kind)]),
    ) as Record<FileKind, number>,
    outcomes: {
      refused: outcome('refused'),
      detected: outcome('detected'),
      harmless: outcome('harmless'),
      torn: outcome('torn'),
    },
    detectedAndWhole: count(({ result }) => result.outcome === 'detected' && result.isWhole),
    changesGone: { detected: gone('detected'), torn: gone('torn') },
    tornWithReuse: count(({ result }) => result.givenAgain > 0),
    failures: {
      'silent loss': failure('silent loss'),
      'wrong bytes': failure('wrong bytes'),
      'number used twice': failure('number used twice'),
      crash: failure('crash'),
      rule: failure('rule'),
    },
    acknowledged: {
      stream: sum(({ acknowledged }) => acknowledged.stream),
      udt: sum(({ acknowledged }) => acknowledged.udt),
      yjs: sum(({ acknowledged }) => acknowledged.yjs),
    },
    compacted: sum(({ numbers }) => numbers.compacted),
    snapshotChunks: sum(({ numbers }) => numbers.snapshotChunks),
  };
}
