// One race of UDT-8: two people label different samples within moments, and each labels another one then.

import { setTimeout as sleep } from 'node:timers/promises';
import { UdtClient } from '../../support/udt-client.ts';
import { samplesOf } from '../../support/udt-v1-screen.ts';
import { until } from '../../support/until.ts';
import type { Address, Join, Person } from './people.ts';

/**
 * When somebody's second label comes after the first: a poll after the answer; as soon as both screens show both
 * first labels, which without UDT-8 they may never do; or at once, before any poll.
 */
export type NextLabel = 'after a poll' | 'when shown' | 'at once';

export interface Race {
  /** Who labels first, and who `gapMs` later. */
  readonly joins: readonly [Join, Join];
  readonly gapMs: number;
  readonly next: NextLabel;
  /** How long after each other they join, and begin: a client's polls begin when it joins. */
  readonly phasesMs: readonly [number, number];
}

export interface RaceResult {
  /** Labels that the server has not got in the end, of four. */
  readonly lost: number;
  /** From the last label's answer until both screens show all; null if they never do. */
  readonly shownAfterMs: number | null;
  /** What is lost, not shown, or went wrong. */
  readonly problems: readonly string[];
  /** What went wrong, if the race had no end: a client has stopped polling, or a call was refused. */
  readonly failure: string | null;
}

export const labelsPerRace = 4;
/** Who labels which samples: at first, and then. */
const turns = [
  [0, 2],
  [1, 3],
] as const;

export async function runRace(address: Address, { joins, gapMs, next, phasesMs }: Race): Promise<RaceResult> {
  const samples = Array.from({ length: labelsPerRace }, (_, n) => ({ document: `sample ${n}` }));
  const server = await UdtClient.create(address.url, { interface: { type: 'text_classification' }, samples });
  const people: Person[] = [];
  try {
    const first = await joins[0](address, server.id);
    people.push(first);
    await sleep(phasesMs[0]);
    const second = await joins[1](address, server.id);
    people.push(second);
    await sleep(phasesMs[1]);

    const turn = async (person: Person, [now, then]: readonly [number, number]): Promise<void> => {
      await person.label(now, `label ${now}`);
      await waitForNext(person, people, next);
      await person.label(then, `label ${then}`);
    };
    await Promise.all([turn(first, turns[0]), sleep(gapMs).then(() => turn(second, turns[1]))]);
    const labelledAt = performance.now();
    const missing = async (): Promise<number[]> => {
      const kept = samplesOf((await server.get()).udt_json);
      return kept.flatMap(({ annotation }, n) => (annotation === `label ${n}` ? [] : [n]));
    };
    const isKept = async (): Promise<boolean> =>
      people.every((person) => seesAll(person)) && (await missing()).length === 0;
    if (next === 'at once') await Promise.all(people.map((person) => person.nextPoll()));
    const isWhole = await holdsSoon(isKept, next);
    if (isWhole)
      return { lost: 0, shownAfterMs: performance.now() - labelledAt, problems: [], failure: null };
    const lost = await missing();
    const problems = lost.length > 0 ? [`the labels of samples ${lost.join(', ')} are lost`] : [];
    for (const [index, person] of people.entries())
      if (!seesAll(person)) problems.push(`the screen of the ${['first', 'second'][index]} doesn't show all`);
    return { lost: lost.length, shownAfterMs: null, problems, failure: null };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { lost: 0, shownAfterMs: null, problems: [failure], failure };
  } finally {
    for (const person of people) await person.leave();
  }
}

/** Labels that are lost never show again: where some are expected to be, nobody waits for them. */
async function holdsSoon(isKept: () => Promise<boolean>, next: NextLabel): Promise<boolean> {
  if (next === 'at once') return isKept();
  let isWhole = false;
  try {
    await until('all labels are kept and shown', async () => (isWhole = await isKept()));
  } catch {
    return false;
  }
  return isWhole;
}

function seesAll(person: Person): boolean {
  return Array.from({ length: labelsPerRace }, (_, n) => n).every((n) => person.sees(n));
}

async function waitForNext(person: Person, people: readonly Person[], next: NextLabel): Promise<void> {
  switch (next) {
    case 'after a poll':
      return person.nextPoll();
    case 'when shown':
      return until('both screens show both first labels', () =>
        people.every((each) => turns.every(([now]) => each.sees(now))),
      );
    case 'at once':
      return;
  }
}
