// The UDT race campaign (UDT-8): two people label different samples within three seconds, one of them with UDT's v1 client,
// which takes away what its screen doesn't show. Whatever the other one uses, every label must be kept: on the server, and
// on both screens.

import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { v1PollingIntervalMs } from '../support/udt-v1-screen.ts';
import { Chance } from './kill9/chance.ts';
import type { Outcome } from './outcome.ts';
import {
  joinWithV1,
  joinWithSlowV1,
  joinWithV2,
  joinWithYjs,
  type Address,
  type Join,
} from './udt-race/people.ts';
import { labelsPerRace, runRace, type NextLabel, type RaceResult } from './udt-race/race.ts';

/** Between the first label and the other person's: swept evenly from 0. */
const gapMsMax = 3000;
const racesAtOnce = 25;

interface Variant {
  readonly name: string;
  /** Who labels first, and who follows. */
  readonly joins: readonly [Join, Join];
  readonly next: NextLabel;
}

export const variants: readonly Variant[] = [
  { name: 'v1, then v1', joins: [joinWithV1, joinWithV1], next: 'after a poll' },
  { name: 'v1, then Yjs', joins: [joinWithV1, joinWithYjs], next: 'after a poll' },
  { name: 'Yjs, then v1', joins: [joinWithYjs, joinWithV1], next: 'after a poll' },
  { name: 'v1, then v2', joins: [joinWithV1, joinWithV2], next: 'after a poll' },
  { name: 'v2, then v1', joins: [joinWithV2, joinWithV1], next: 'after a poll' },
  {
    name: 'v1, then v1, both slow',
    joins: [joinWithSlowV1, joinWithSlowV1],
    next: 'after a poll',
  },
];
/** Nothing that a server does can help here: how much is lost is a figure without a bound. */
const withinOnePoll: Variant = { name: 'v1, then v1', joins: [joinWithV1, joinWithV1], next: 'at once' };

export async function runUdtRace({ rounds, seed }: { rounds: number; seed: number }): Promise<Outcome> {
  const startedMs = Date.now();
  const chance = new Chance(seed);
  const data = await temporaryFolder();
  const server = await startProcess(data, { flags: ['--log-level', 'warn'] });
  try {
    const figures: Record<string, string | number> = {
      'races of each kind': `${rounds}, the second label 0 to ${gapMsMax} ms after the first`,
      'the next label': 'a poll after the answer to the one before',
    };
    const problems: string[] = [];
    for (const variant of variants) {
      const results = await runRaces(server, variant, rounds, chance);
      figures[`${variant.name}: labels kept, shown to both`] = describe(results);
      for (const [index, { problems: found }] of results.entries())
        problems.push(...found.map((found) => `${variant.name}, ${gapOf(index, rounds)} ms: ${found}`));
      console.log(`${variant.name}: ${describe(results)}`);
    }
    const hasty = await runRaces(server, withinOnePoll, rounds, chance);
    figures['v1, then v1, the next label before the next poll: labels lost (no bound)'] =
      `${sum(hasty.map(({ lost }) => lost))} of ${rounds * labelsPerRace}`;
    problems.push(
      ...hasty.flatMap(({ failure }) => (failure === null ? [] : [`before the next poll: ${failure}`])),
    );
    figures['duration'] = `${Math.round((Date.now() - startedMs) / 1000)} s`;
    return { hasFailed: problems.length > 0, figures, problems };
  } finally {
    await server.kill('SIGKILL');
    await removeFolder(data);
  }
}

/** All races of one kind, many at a time, each in a session of its own. */
async function runRaces(
  address: Address,
  { joins, next }: Variant,
  rounds: number,
  chance: Chance,
): Promise<RaceResult[]> {
  const phaseMs = (): number => chance.integer(0, v1PollingIntervalMs);
  const races = Array.from({ length: rounds }, (_, index) => ({
    joins,
    next,
    gapMs: gapOf(index, rounds),
    phasesMs: [phaseMs(), phaseMs()] as const,
  }));
  const results: RaceResult[] = [];
  const waiting = [...races.entries()];
  const work = async (): Promise<void> => {
    for (let at = waiting.shift(); at; at = waiting.shift()) results[at[0]] = await runRace(address, at[1]);
  };
  await Promise.all(Array.from({ length: racesAtOnce }, work));
  return results;
}

function gapOf(index: number, rounds: number): number {
  return Math.round((gapMsMax * index) / Math.max(1, rounds - 1));
}

function describe(results: readonly RaceResult[]): string {
  const ended = results.filter(({ failure }) => failure === null);
  const labels = ended.length * labelsPerRace;
  const lost = sum(ended.map(({ lost }) => lost));
  const shownMs = ended.flatMap(({ shownAfterMs }) => (shownAfterMs === null ? [] : [shownAfterMs]));
  const slowest = Math.round(Math.max(0, ...shownMs));
  return `${labels - lost} of ${labels}, ${shownMs.length} of ${results.length} races, at most ${slowest} ms after the last label`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
