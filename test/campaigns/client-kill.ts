// The client-kill campaign: a client that writes into a file storage is killed at random moments, at times while it
// starts, and between the sending of an upload and its answer. Every write whose promise had resolved must be in the
// storage after each kill, and on the server in the end: once.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/client/client.ts';
import { openFileStorage } from '../../src/client/node/file-storage.ts';
import { messageOf } from '../../src/errors.ts';
import { scriptArguments } from '../support/script-arguments.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { StreamClient, textOf } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';
import type { Death, WriterOptions } from './client-kill/writing-client.ts';
import { Chance } from './kill9/chance.ts';
import { within } from './kill9/within.ts';
import type { Outcome } from './outcome.ts';

export interface ClientKillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Called after each round with the figures so far. */
  readonly onRound?: (round: number, figures: ClientKillFigures) => void;
}

export interface ClientKillFigures {
  /** Kills, each followed by a start. */
  readonly rounds: number;
  readonly kills: Readonly<Record<Moment, number>>;
  /** Writes whose promise had resolved before the kill. */
  readonly promised: number;
  /** Objects that the server has in the end. */
  readonly stored: number;
  readonly lost: number;
  readonly twice: number;
  readonly problems: readonly string[];
  readonly durationMs: number;
}

type Moment = 'starting' | 'writing' | 'writing offline' | 'after-send' | 'before-answer';

const moments: readonly [Moment, ...Moment[]] = [
  'writing',
  'after-send',
  'before-answer',
  'writing offline',
  'starting',
];
const startingMs = { least: 0, most: 900 };
const writingMs = { least: 1, most: 300 };
/** While it writes, however slow the machine is. */
const promisedLeast = 25;
const projects = ['shared', '7'] as const;
const problemsTold = 20;
/** Nothing listens there. */
const nowhere = 'ws://127.0.0.1:1';

/** Ends early when a round finds a problem: every later one would find it again. */
export async function runClientKill({
  rounds,
  seed,
  onRound,
}: ClientKillOptions): Promise<ClientKillFigures> {
  const run = new Run(seed, await startServer(), await temporaryFolder());
  try {
    while (run.round < rounds && run.problems.length === 0) {
      await run.killOnce();
      onRound?.(run.round, run.figures());
    }
    if (run.problems.length === 0) await run.finish();
    return run.figures();
  } finally {
    await run.end();
  }
}

/** As the table of campaigns has it. */
export async function clientKillCampaign(options: ClientKillOptions): Promise<Outcome> {
  const figures = await runClientKill({
    ...options,
    onRound: (round, { promised, problems }) => {
      console.log(`round ${round}: promised ${promised}, problems ${problems.length}`);
    },
  });
  const { kills } = figures;
  return {
    hasFailed: figures.problems.length > 0,
    figures: {
      'kill -9 of the client': `${figures.rounds} (${moments.map((moment) => `${moment} ${kills[moment]}`).join(', ')})`,
      'writes whose promise had resolved': figures.promised,
      'objects stored': figures.stored,
      'promised, then lost': figures.lost,
      'stored twice': figures.twice,
      duration: `${Math.round(figures.durationMs / 1000)} s`,
    },
    problems: figures.problems,
  };
}

class Run {
  round = 0;
  readonly problems: string[] = [];
  private readonly startedMs = Date.now();
  private readonly chance: Chance;
  /** Project → the versions that were promised. */
  private readonly ledger = new Map<string, Set<string>>(projects.map((project) => [project, new Set()]));
  private readonly kills: Record<Moment, number> = {
    starting: 0,
    writing: 0,
    'writing offline': 0,
    'after-send': 0,
    'before-answer': 0,
  };
  private child: ChildProcess | null = null;
  private stored = 0;
  private lost = 0;
  private twice = 0;

  constructor(
    seed: number,
    private readonly server: TestServer,
    private readonly folder: string,
  ) {
    this.chance = new Chance(seed);
  }

  /** Writing, the kill, and a look at what is in the storage. */
  async killOnce(): Promise<void> {
    const moment = moments[this.round++ % moments.length] ?? 'writing';
    const before = this.promised();
    const { ready, ended, said } = this.start(moment);
    if (moment === 'starting') await sleep(this.chance.integer(startingMs.least, startingMs.most));
    else await within(Promise.race([ready, ended]), 'the start of a client');
    if (moment === 'writing' || moment === 'writing offline') {
      await sleep(this.chance.integer(writingMs.least, writingMs.most));
      await until('it has promised some', () => this.promised() >= before + promisedLeast || this.hasEnded());
    }
    if (moment !== 'after-send' && moment !== 'before-answer') this.child?.kill('SIGKILL');
    await within(ended, `the end of a client killed ${moment}`);
    if (this.child?.signalCode !== 'SIGKILL') this.problems.push(`the client ended by itself: ${said()}`);
    this.kills[moment]++;
    await this.checkStorage();
  }

  /** A client that nobody kills sends what is left; then the server has all, once, and shows what the client shows. */
  async finish(): Promise<void> {
    const client = connect(this.server.url, { storage: await openFileStorage(this.folder) });
    const reader = connect(this.server.url);
    try {
      await within(client.flushed(), 'the end of the queue');
      for (const id of projects) {
        await within(Promise.all([client.project(id).synced(), reader.project(id).synced()]), 'the history');
        await this.checkServer(id);
        const shown = [client, reader].map((each) =>
          each
            .project(id)
            .reports()
            .map((report) => each.project(id).rows(report, { deleted: true })),
        );
        if (JSON.stringify(shown[0]) !== JSON.stringify(shown[1]))
          this.problems.push(`${id}: the client shows other rows than a new one`);
      }
      if (client.refused().length > 0) this.problems.push(`${client.refused().length} writes were refused`);
    } finally {
      await Promise.all([client.close(), reader.close()]);
    }
  }

  /** Leaves no process and no folder behind. */
  async end(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.server.remove();
    await removeFolder(this.folder);
  }

  figures(): ClientKillFigures {
    return {
      rounds: this.round,
      kills: this.kills,
      promised: this.promised(),
      stored: this.stored,
      lost: this.lost,
      twice: this.twice,
      problems: this.problems.slice(0, problemsTold),
      durationMs: Date.now() - this.startedMs,
    };
  }

  private start(moment: Moment): { ready: Promise<void>; ended: Promise<unknown>; said: () => string } {
    const options: WriterOptions = {
      url: moment === 'writing offline' ? nowhere : this.server.url,
      folder: this.folder,
      projects,
      seed: this.chance.integer(1, 0x7fff_fffe),
      death: this.deathAt(moment),
    };
    const script = fileURLToPath(new URL('client-kill/writing-client.ts', import.meta.url));
    const child = spawn(process.execPath, [...scriptArguments(script), JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    const lines = createInterface(child.stdout);
    const ready = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        if (line === 'ready') resolve();
        else this.promise(line);
      });
    });
    return { ready, ended: Promise.all([once(child, 'close'), once(lines, 'close')]), said: () => errors };
  }

  private promised(): number {
    return [...this.ledger.values()].reduce((sum, versions) => sum + versions.size, 0);
  }

  private hasEnded(): boolean {
    return !this.child || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private deathAt(moment: Moment): Death {
    const upload = this.chance.integer(1, 6);
    if (moment === 'after-send' || moment === 'before-answer') return { type: moment, upload };
    return { type: 'from-outside' };
  }

  /** A line that the kill cut off promises nothing. */
  private promise(line: string): void {
    if (!line.endsWith('}')) return;
    const { project, version } = JSON.parse(line) as { project: string; version: string };
    const versions = this.ledger.get(project);
    if (versions?.has(version) === true) this.problems.push(`${version} was promised twice`);
    versions?.add(version);
  }

  private async checkStorage(): Promise<void> {
    try {
      const storage = await openFileStorage(this.folder);
      for (const [project, versions] of this.ledger) {
        const { received, queue } = await storage.load(project);
        const known = new Set([...received, ...queue].map(({ versionUuid }) => versionUuid));
        for (const version of versions) {
          if (known.has(version)) continue;
          this.lost++;
          this.problems.push(
            `round ${this.round}: ${project} ${version} was promised and isn't in the storage`,
          );
        }
      }
      await storage.close();
    } catch (error) {
      this.problems.push(`round ${this.round}: the storage: ${messageOf(error)}`);
    }
  }

  private async checkServer(project: string): Promise<void> {
    const stream = await StreamClient.connect(this.server.socketUrl);
    const objects = await stream.fetch(project);
    await stream.close();
    this.stored += objects.length;
    const seen = new Set<string>();
    for (const object of objects) {
      const version = textOf(object, 'version_uuid');
      if (seen.has(version)) {
        this.twice++;
        this.problems.push(`${project} ${version} is stored twice`);
      }
      seen.add(version);
    }
    for (const version of this.ledger.get(project) ?? []) {
      if (seen.has(version)) continue;
      this.lost++;
      this.problems.push(`${project} ${version} was promised and never stored`);
    }
  }
}
