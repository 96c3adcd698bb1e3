// One round of the bit-rot campaign: a copy of a base with one bit flipped, a server on it, everything read and then
// written on every wire, and a verdict.

import { messageOf } from '../../../src/errors.ts';
import { startProcess, type ServerProcess } from '../../support/server.ts';
import type { Chance } from '../kill9/chance.ts';
import { copyBase, type Base } from './base.ts';
import { applyFlip, type Flip } from './flip.ts';
import { loggedNumbers } from './logged-numbers.ts';
import { Garbled, readProject, readStream, type WireFailure } from './read-project.ts';
import { compare, shownHeads, type ProjectTruth } from './truth.ts';
import { writeProject } from './write-project.ts';

export type Outcome =
  /** The server didn't start, and said why. */
  | 'refused'
  /** Damage was told, in the log or on a wire. */
  | 'detected'
  /** Nothing was told, and everything is served. */
  | 'harmless'
  /** It was told that the last write was cut off. */
  | 'torn';

export type ProblemType = 'silent loss' | 'wrong bytes' | 'number used twice' | 'crash' | 'rule';

export interface RoundResult {
  readonly outcome: Outcome;
  /** Everything was served. */
  readonly isWhole: boolean;
  /** Changes that the logs don't hold any more. */
  readonly changesGone: number;
  /** Numbers of a write that looks cut off which were given again. */
  readonly givenAgain: number;
  readonly problems: readonly { readonly type: ProblemType; readonly detail: string }[];
}

/** @param flip null: the round that shows that nothing is found where there is nothing. @param data an empty folder. */
export async function rottenRound(
  base: Base,
  flip: Flip | null,
  { data, chance }: { readonly data: string; readonly chance: Chance },
): Promise<RoundResult> {
  await copyBase(base, data);
  if (flip) await applyFlip(data, flip);
  let server: ServerProcess;
  try {
    server = await startProcess(data);
  } catch (error) {
    return refused(messageOf(error));
  }
  const round = new Round(base, data, server);
  try {
    return await round.run(chance);
  } finally {
    await server.kill('SIGKILL');
  }
}

function refused(said: string): RoundResult {
  const isSentence = /^the server ended with 1: (?:.*"level":.*\n)*rejoin: [^\n]+\n$/.test(said);
  const problems = isSentence ? [] : [{ type: 'crash' as const, detail: said }];
  return { outcome: 'refused', isWhole: false, changesGone: 0, givenAgain: 0, problems };
}

class Round {
  private readonly problems: { type: ProblemType; detail: string }[] = [];
  private readonly lacking: string[] = [];
  private readonly failures: WireFailure[] = [];
  private readonly reused: string[] = [];

  constructor(
    private readonly base: Base,
    private readonly data: string,
    private readonly server: ServerProcess,
  ) {}

  async run(chance: Chance): Promise<RoundResult> {
    try {
      await Promise.all(this.base.truths.map((truth) => this.read(truth)));
      const isWhole = this.lacking.length === 0 && this.failures.length === 0;
      await Promise.all(this.base.truths.map((truth) => this.write(truth, chance.fork())));
      return await this.judge(isWhole);
    } catch (error) {
      // A wire that says nothing, or a server that is gone.
      this.report(error instanceof Garbled ? 'wrong bytes' : 'crash', messageOf(error));
      return { outcome: 'detected', isWhole: false, changesGone: 0, givenAgain: 0, problems: this.problems };
    }
  }

  private async read(truth: ProjectTruth): Promise<void> {
    const reading = await readProject(this.server, truth.project, truth.history !== null);
    const { wrong, lacking } = compare(reading, truth);
    for (const detail of wrong) this.report('wrong bytes', detail);
    this.lacking.push(...lacking);
    this.failures.push(...reading.failures);
  }

  private async write(truth: ProjectTruth, chance: Chance): Promise<void> {
    const { project, history } = truth;
    const isSession = history !== null;
    const { versionUuid, version, failures } = await writeProject(this.server, project, {
      isSession,
      chance,
    });
    this.failures.push(...failures);
    if (history && version !== null) {
      const newest = history.version + history.patches.length;
      if (version >= history.version && version <= newest)
        this.reused.push(`version ${version} of ${project}, which had ${newest}`);
    }
    if (versionUuid === null) return;
    // Who has seen everything asks for the rest: what is new must have a number that is new to him.
    const { objects, failure } = await readStream(this.server, project, shownHeads(truth));
    if (failure) this.failures.push(failure);
    else if (!objects.some((object) => object.versionUuid === versionUuid))
      this.reused.push(`a client that was up to date is not shown what is new in ${project}`);
  }

  private async judge(isWhole: boolean): Promise<RoundResult> {
    const { isGone, torn, damage, witness } = this.told();
    if (isGone) this.report('crash', `the server ended: ${this.server.output().slice(-2_000)}`);
    await this.server.kill('SIGKILL');
    const isDamageTold = damage || this.failures.some((failure) => failure.isDamage);
    const { contents } = await loggedNumbers(
      this.data,
      this.base.truths.map(({ project }) => project),
    );
    let changesGone = 0;
    for (const [number, content] of this.base.numbers.contents) {
      const now = contents.get(number);
      if (now !== content) changesGone++;
      if (now !== undefined && now !== content) this.reused.push(`${number}: ${content}, now ${now}`);
    }
    const isTorn = torn && !isDamageTold;
    if (!isTorn) for (const detail of this.reused) this.report('number used twice', detail);
    if (!isTorn && !isDamageTold) {
      for (const detail of this.lacking) this.report('silent loss', detail);
      for (const { message } of this.failures) this.report('silent loss', message);
    }
    const outcome = isTorn ? 'torn' : isDamageTold || witness ? 'detected' : 'harmless';
    return {
      outcome,
      isWhole,
      changesGone,
      givenAgain: isTorn ? this.reused.length : 0,
      problems: this.problems,
    };
  }

  /** What the server's log says. What it says of the witness says nothing of the data. */
  private told(): { isGone: boolean; torn: boolean; damage: boolean; witness: boolean } {
    const lines = this.server.output().match(/^\{.*"level":(?:[4-6]0).*$/gm) ?? [];
    const isTorn = (line: string): boolean => line.includes('was cut off');
    const isOfWitness = (line: string): boolean => /witness/i.test(line);
    // Behind a torn end a client that had read on makes the server take a new life (REP-8): that tells of no damage by itself.
    const isClaim = (line: string): boolean => line.includes('a client has change');
    for (const line of lines) if (line.includes('"type":"defect"')) this.report('rule', line);
    if (/\n\s+at .*:\d+:\d+/.test(this.server.output())) this.report('crash', this.server.output());
    return {
      isGone: this.server.child.exitCode !== null || this.server.child.signalCode !== null,
      torn: lines.some(isTorn),
      damage: lines.some((line) => !isTorn(line) && !isOfWitness(line) && !isClaim(line)),
      witness: lines.some(isOfWitness),
    };
  }

  private report(type: ProblemType, detail: string): void {
    this.problems.push({ type, detail });
  }
}
