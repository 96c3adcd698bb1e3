// One round of the bit-rot campaign with a peer: one bit of a folder is flipped, its server starts with its peer, and nobody does
// anything else; everything must be there again.

import { setTimeout as sleep } from 'node:timers/promises';
import { operate } from '../../../src/cli/operate.ts';
import { messageOf } from '../../../src/errors.ts';
import type { Finding } from '../../../src/store/findings.ts';
import { startProcess, type ServerProcess } from '../../support/server.ts';
import { applyFlip, type Flip } from '../bitrot/flip.ts';
import { copyFolder, readRecords, readShown, readVector, type Pair } from './pair.ts';

/** `harmless`: nothing was lost; `healed`: what was lost is back; `refused`: the server says that it can't be started. */
export type HealOutcome = 'harmless' | 'healed' | 'refused' | 'not healed';

export interface HealResult {
  readonly outcome: HealOutcome;
  /** Records that were fetched back into their places. */
  readonly fetched: number;
  readonly problem: string | null;
}

/** Only a failure takes so long. */
const withinMs = 60_000;

export async function healRound(
  pair: Pair,
  flip: Flip,
  folders: { readonly hit: string; readonly peer: string },
): Promise<HealResult> {
  await Promise.all([copyFolder(pair.hit, folders.hit), copyFolder(pair.peer, folders.peer)]);
  await applyFlip(folders.hit, flip);
  const peer = await startProcess(folders.peer);
  let hit: ServerProcess | null = null;
  try {
    hit = await startProcess(folders.hit, { flags: ['--peer', peer.url] });
    const lacking = await healed(pair, hit, peer);
    await Promise.all([hit.kill('SIGTERM'), peer.kill('SIGTERM')]);
    const fetched = fetchedBy(hit);
    const problem = lacking ?? (await differenceOf(pair, folders));
    if (problem !== null)
      return { outcome: 'not healed', fetched, problem: `${problem}\n${hit.output().slice(-3_000)}` };
    const wasHit = fetched > 0 || /"level":[45]0/.test(hit.output());
    return { outcome: wasHit ? 'healed' : 'harmless', fetched, problem: null };
  } catch (error) {
    if (hit) return { outcome: 'not healed', fetched: 0, problem: messageOf(error) };
    const isSentence = /^the server ended with 1: (?:.*"level":.*\n)*rejoin: [^\n]+\n$/.test(
      messageOf(error),
    );
    return { outcome: 'refused', fetched: 0, problem: isSentence ? null : messageOf(error) };
  } finally {
    await hit?.kill('SIGKILL');
    await peer.kill('SIGKILL');
  }
}

/** Resolves when everything is shown and a verification finds it whole. @returns what is still wrong when it takes too long. */
async function healed(pair: Pair, hit: ServerProcess, peer: ServerProcess): Promise<string | null> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const lacking = await lackOf(pair, hit, peer);
    if (lacking === null || Date.now() > deadline) return lacking;
    await sleep(50);
  }
}

async function lackOf(pair: Pair, hit: ServerProcess, peer: ServerProcess): Promise<string | null> {
  try {
    for (const [project, expected] of pair.shown) {
      const shown = await readShown(hit, project);
      if (JSON.stringify(shown) !== JSON.stringify(expected)) return `${project} is shown in another way`;
      const [here, there] = [await readVector(hit, project), await readVector(peer, project)];
      if (here !== there) return `of ${project} there is ${here} here, and ${there} on the peer`;
    }
  } catch (error) {
    return messageOf(error);
  }
  const findings: Finding[] = [];
  await operate(
    { type: 'verify', isRepair: false },
    {
      data: hit.data,
      doing: '',
      isQuiet: true,
      expected: 'verified',
      onStep: (step) => step.type === 'finding' && findings.push(step.finding),
    },
  );
  const open = findings.filter(({ remedy }) => remedy !== 'harmless');
  return open.length === 0 ? null : `a verification finds ${JSON.stringify(open.slice(0, 3))}`;
}

/** Both have every record that there was, and the same. */
async function differenceOf(
  { records, shown }: Pair,
  folders: { readonly hit: string; readonly peer: string },
): Promise<string | null> {
  const [hit, peer] = [
    await readRecords(folders.hit, shown.keys()),
    await readRecords(folders.peer, shown.keys()),
  ];
  for (const [project, expected] of records) {
    for (const [number, record] of expected)
      if (hit.get(project)?.get(number) !== record) return `${number} of ${project} is not what it was`;
    for (const [number, record] of hit.get(project) ?? [])
      if (peer.get(project)?.get(number) !== record) return `${number} of ${project} is not on the peer`;
  }
  return null;
}

function fetchedBy(server: ServerProcess): number {
  const lines = server.output().matchAll(/back from server \d+: (\d+);/g);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}
