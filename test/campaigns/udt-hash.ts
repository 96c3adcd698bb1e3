// The hash campaign (UDT-2): random documents and edits, whose hashes are compared with those of a plain implementation.
// `npm test` runs a short one.

import { messageOf } from '../../src/errors.ts';
import type { Outcome } from './outcome.ts';
import { checkHashedDocument, type HashCounts } from './udt-hash/hashed-document.ts';

export interface UdtHashOptions {
  /** How many documents. */
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

export interface UdtHashFigures extends Readonly<HashCounts> {
  readonly documents: number;
  /** The first of the problems, in words. */
  readonly problems: readonly string[];
}

const longOneIn = 40;
const problemsTold = 20;

export async function runUdtHash({ rounds, seed, onRound }: UdtHashOptions): Promise<UdtHashFigures> {
  const counts: HashCounts = { states: 0, patches: 0, updates: 0, loads: 0, long: 0 };
  const problems: string[] = [];
  for (let round = 1; round <= rounds && problems.length < problemsTold; round++) {
    const own = seed + round - 1;
    try {
      await checkHashedDocument(own, longOneIn, counts);
    } catch (error) {
      problems.push(`round ${round} (seed ${own}): ${messageOf(error)}`);
    }
    onRound?.(round);
  }
  return { ...counts, documents: rounds, problems };
}

/** As `npm run campaign` has it. */
export async function udtHashCampaign(options: UdtHashOptions): Promise<Outcome> {
  const startedMs = Date.now();
  const onRound = (round: number): void => {
    if (round % 1000 === 0) console.log(`${round} documents`);
  };
  const { documents, long, states, patches, updates, loads, problems } = await runUdtHash({
    ...options,
    onRound,
  });
  return {
    hasFailed: problems.length > 0,
    figures: {
      'random documents': `${documents} (${long} with arrays of more than 2,000 elements)`,
      'PATCHes, Yjs edits, reloads': `${patches}, ${updates}, ${loads}`,
      'states whose hash was compared': states,
      'other hashes than the plain ones': problems.length,
      duration: `${Math.round((Date.now() - startedMs) / 1000)} s`,
    },
    problems,
  };
}
