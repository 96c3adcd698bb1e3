// The kill -9 campaign: a server is killed at random moments while clients write on all three wires; whatever was
// acknowledged or shown must be there afterwards, on every wire, and no number may stand for two things.
//
// It shows what a process that dies does to the data, not what a machine that loses power does: what the kernel has
// accepted survives a kill. The power loss campaign is for that.

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { spawnRejoin, startProcess, type ServerProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';
import { Chance } from './kill9/chance.ts';
import { checkLogs } from './kill9/check-log.ts';
import { checkWires } from './kill9/check-wires.ts';
import type { Ledger, Wire } from './kill9/ledger.ts';
import { Traffic } from './kill9/traffic.ts';
import { within } from './kill9/within.ts';

export interface Kill9Options {
  readonly rounds: number;
  readonly seed: number;
  /** Called after each round with the figures so far. */
  readonly onRound?: (round: number, figures: Kill9Figures) => void;
}

export interface Kill9Figures {
  readonly seed: number;
  /** Rounds of writing, killing, restarting and checking. */
  readonly rounds: number;
  /** Kills of a server that was still starting, beside one kill per round. */
  readonly killsWhileStarting: number;
  /** Writes per wire: uploads, PATCHes, Yjs transactions. */
  readonly acknowledged: Readonly<Record<Wire, number>>;
  readonly unacknowledged: Readonly<Record<Wire, number>>;
  /** Objects that the streams have at the end. */
  readonly objects: number;
  /** Things that were acknowledged or shown, and then were gone or different. */
  readonly lost: number;
  readonly numbersUsedTwice: number;
  readonly holes: number;
  /** Half a write, an object twice, a wrong hash … */
  readonly otherProblems: number;
  /** The first of the problems, in words. */
  readonly problems: readonly string[];
  readonly durationMs: number;
}

const trafficMs = { least: 50, most: 400 };
/** On each wire, in full swing, however slow the machine is. */
const acknowledgedLeast = 30;
const startingMs = { least: 0, most: 400 };
const problemsTold = 20;

/** Then new projects and clients take over: a round should not cost more and more. */
const roundsPerTraffic = 20;

/** Ends early when a round finds a problem: every later one would find it again. */
export async function runKill9({ rounds, seed, onRound }: Kill9Options): Promise<Kill9Figures> {
  const run = new Run(seed, await temporaryFolder());
  try {
    await run.begin();
    while (run.round < rounds && !run.hasFailed) {
      await run.killOnce();
      onRound?.(run.round, run.figures());
    }
    if (!run.hasFailed) await run.finish();
    return run.figures();
  } finally {
    await run.end();
  }
}

class Run {
  round = 0;
  private readonly startedMs = Date.now();
  private readonly chance: Chance;
  private readonly traffics: Traffic[] = [];
  /** Problems that belong to no project. */
  private readonly problems: string[] = [];
  private server: ServerProcess | null = null;
  private port = 0;
  private killsWhileStarting = 0;

  constructor(
    private readonly seed: number,
    private readonly data: string,
  ) {
    this.chance = new Chance(seed);
  }

  get hasFailed(): boolean {
    return this.problems.length > 0 || this.traffics.some(({ ledger }) => ledger.problems.length > 0);
  }

  async begin(): Promise<void> {
    this.server = await startProcess(this.data);
    this.port = Number(new URL(this.server.url).port);
  }

  /** Writing, the kill, a look at what is on disk, the restart, a look at it over every wire. */
  async killOnce(): Promise<void> {
    const { chance } = this;
    this.round++;
    const traffic = await this.currentTraffic();
    const connected = traffic.start(this.running(), this.round);
    // Mostly the kill hits writers in full swing, sometimes while they come back.
    const isInFullSwing = !chance.oneIn(5);
    const before = countsOf(traffic);
    if (isInFullSwing) await within(connected, 'the connections of all writers');
    await sleep(chance.integer(trafficMs.least, trafficMs.most));
    if (isInFullSwing)
      await until('every wire has acknowledged writes', () =>
        countsOf(traffic).every((count, wire) => count >= (before[wire] ?? 0) + acknowledgedLeast),
      );
    await within(this.running().kill('SIGKILL'), 'the end of a killed server');
    await traffic.stop();
    this.checkOutput();

    // Beside the projects that were written to, some older ones.
    const older = this.traffics.slice(0, -1);
    const checked =
      older.length > 0 ? [traffic, chance.pick([older[0] ?? traffic, ...older.slice(1)])] : [traffic];
    const places = await checkLogs(this.data, checked);
    if (this.hasFailed) return; // a damaged log is not served
    if (chance.oneIn(4)) await this.killWhileStarting();
    this.server = await restart(this.data, this.port);
    for (const each of checked) {
      await checkWires(this.server, each, places);
      if (each !== traffic) each.leave();
    }
  }

  /** Everything once more, after a kill with nobody writing, and all of UDT's history; then an orderly stop. */
  async finish(): Promise<void> {
    for (const traffic of this.traffics) traffic.leave();
    await within(this.running().kill('SIGKILL'), 'the end of a killed server');
    const places = await checkLogs(this.data, this.traffics);
    this.server = await restart(this.data, this.port);
    for (const traffic of this.traffics) {
      await checkWires(this.server, traffic, places);
      for (const follower of traffic.followers) await follower.checkFromTheBeginning(this.server);
      traffic.leave();
    }
    const code = await within(this.server.kill('SIGTERM'), 'the end of a stopped server');
    if (code !== 0) this.problems.push(`rule: the server stopped with ${code ?? 'a signal'}`);
    this.checkOutput();
  }

  /** Leaves no process and no folder behind. */
  async end(): Promise<void> {
    await this.server?.kill('SIGKILL');
    await Promise.all(this.traffics.map((traffic) => traffic.stop()));
    await removeFolder(this.data);
  }

  figures(): Kill9Figures {
    const ledgers = this.traffics.map(({ ledger }) => ledger);
    const sum = (count: (ledger: Ledger) => number): number =>
      ledgers.reduce((total, ledger) => total + count(ledger), 0);
    const writes = (isAcknowledged: boolean): Record<Wire, number> => ({
      stream: sum((ledger) => ledger.count('stream', isAcknowledged)),
      udt: sum((ledger) => ledger.count('udt', isAcknowledged)),
      yjs: sum((ledger) => ledger.count('yjs', isAcknowledged)),
    });
    const subscribers = this.traffics.flatMap((traffic) => traffic.subscribers);
    const problems = ledgers.flatMap((ledger) => ledger.problems);
    return {
      seed: this.seed,
      rounds: this.round,
      killsWhileStarting: this.killsWhileStarting,
      acknowledged: writes(true),
      unacknowledged: writes(false),
      objects: subscribers.reduce((total, { objects }) => total + objects.length, 0),
      lost: sum((ledger) => ledger.countProblems('lost')),
      numbersUsedTwice: sum((ledger) => ledger.countProblems('used-twice')),
      holes: sum((ledger) => ledger.countProblems('hole')),
      otherProblems: sum((ledger) => ledger.countProblems('rule')) + this.problems.length,
      problems: [...this.problems, ...problems.map(({ type, detail }) => `${type}: ${detail}`)].slice(
        0,
        problemsTold,
      ),
      durationMs: Date.now() - this.startedMs,
    };
  }

  private running(): ServerProcess {
    if (!this.server) throw new Error('the server was not started');
    return this.server;
  }

  private async currentTraffic(): Promise<Traffic> {
    const current = this.traffics.at(-1);
    if (current && this.round % roundsPerTraffic !== 1) return current;
    current?.leave();
    const plainProject = String(this.round); // printed as a number (WS-2)
    const traffic = await Traffic.create(this.running(), plainProject, this.chance.fork());
    this.traffics.push(traffic);
    return traffic;
  }

  /** A kill during recovery: before the server is ready, or just when it is. */
  private async killWhileStarting(): Promise<void> {
    const child = spawnRejoin(['--port', String(this.port), '--data', this.data]);
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    await sleep(this.chance.integer(startingMs.least, startingMs.most));
    child.kill('SIGKILL');
    await within(ended, 'the end of a server killed while it started');
    this.killsWhileStarting++;
  }

  /** The server must not have found anything wrong itself. */
  private checkOutput(): void {
    const errors =
      this.running()
        .output()
        .match(/^.*"level":(?:50|60).*$/gm) ?? [];
    for (const line of errors) this.problems.push(`rule: the server said ${line}`);
  }
}

/** Acknowledged writes, wire by wire. */
function countsOf({ ledger }: Traffic): number[] {
  return (['stream', 'udt', 'yjs'] as const).map((wire) => ledger.count(wire, true));
}

/** On the same port, which some other process may have got for a moment meanwhile. */
async function restart(data: string, port: number): Promise<ServerProcess> {
  for (let triesLeft = 5; ; triesLeft--) {
    try {
      return await startProcess(data, { port });
    } catch (error) {
      if (triesLeft <= 1 || !/port .*in use/i.test(messageOf(error))) throw error;
      await sleep(1_000);
    }
  }
}
