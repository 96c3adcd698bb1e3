// Runs one campaign in full, and keeps its figures in RESULTS.md: `npm run campaign -- NAME [--rounds N] [--seed N] [--jobs N] [--only TEXT]`.
// A new campaign is a file of its own and one line in the table below.

import { Argument, Command, InvalidArgumentError } from 'commander';
import { runBitrot, type BitrotFigures } from './bitrot.ts';
import { bitrotPeerCampaign } from './bitrot-peer.ts';
import { clientKillCampaign } from './client-kill.ts';
import { runDiskFull } from './disk-full.ts';
import { printFigures, type FailingFigures } from './failing-disk/failing-figures.ts';
import type { FailingDiskOptions } from './failing-disk/run-rounds.ts';
import { SmallDisk } from './failing-disk/small-disk.ts';
import { runFsyncError, whyNoFsyncError } from './fsync-error.ts';
import { runKill9, type Kill9Figures } from './kill9.ts';
import { mutantsCampaign } from './mutants.ts';
import type { Outcome } from './outcome.ts';
import { restoreCampaign } from './restore.ts';
import { writeResults, type Figures } from './results.ts';
import { simulationCampaign } from './simulation.ts';
import { serversCampaign } from './servers.ts';
import { runSlowReaders } from './slow-readers.ts';
import { runUdtRace } from './udt-race.ts';
import { udtHashCampaign } from './udt-hash.ts';

interface CampaignOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly jobs?: number | undefined;
  readonly only?: string | undefined;
}

interface Campaign {
  readonly rounds: number;
  readonly run: (options: CampaignOptions) => Promise<Outcome>;
  /** Why it can't be run here; null if it can. */
  readonly whyNot?: () => Promise<string | null>;
}

const campaigns: Readonly<Record<string, Campaign>> = {
  kill9: { rounds: 200, run: kill9 },
  'client-kill': { rounds: 200, run: clientKillCampaign },
  'slow-readers': { rounds: 1, run: runSlowReaders },
  'disk-full': {
    rounds: 40,
    run: (options) => failingDisk(options, runDiskFull),
    whyNot: () => SmallDisk.whyNot(),
  },
  'fsync-error': {
    rounds: 20,
    run: (options) => failingDisk(options, runFsyncError),
    whyNot: whyNoFsyncError,
  },
  bitrot: { rounds: 400, run: bitrot },
  'bitrot-peer': { rounds: 400, run: bitrotPeerCampaign },
  'udt-race': { rounds: 50, run: runUdtRace },
  'udt-hash': { rounds: 100_000, run: udtHashCampaign },
  servers: { rounds: 20, run: serversCampaign },
  restore: { rounds: 20, run: restoreCampaign },
  simulation: { rounds: 10_000, run: simulationCampaign },
  mutants: { rounds: 100, run: mutantsCampaign },
};

async function bitrot(options: CampaignOptions): Promise<Outcome> {
  const figures = await runBitrot({
    ...options,
    onRound: (round, { file, offset, bit }, { outcome, isWhole, problems }) => {
      const served = isWhole ? 'all is served' : 'not all is served';
      const failed = problems.length > 0 ? `, FAILED: ${problems[0]?.type}` : '';
      console.log(`round ${round}: ${file} byte ${offset} bit ${bit}: ${outcome}, ${served}${failed}`);
    },
  });
  const hasShownLittle = figures.compacted === 0 || figures.snapshotChunks === 0;
  return {
    hasFailed: figures.problems.length > 0 || hasShownLittle,
    figures: figuresOfBitrot(figures),
    problems: hasShownLittle ? ['the folders had no snapshots, or nothing was compacted'] : figures.problems,
  };
}

function figuresOfBitrot(figures: BitrotFigures): Figures {
  const { outcomes, failures, acknowledged, changesGone } = figures;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return {
    'bits flipped, one a round': `${figures.rounds} (${list(figures.flips)})`,
    'acknowledged writes in the two folders': list(acknowledged),
    'records compacted, chunks of snapshots': `${figures.compacted}, ${figures.snapshotChunks}`,
    'detected, and everything served': figures.detectedAndWhole,
    'detected, and what is whole served': `${outcomes.detected - figures.detectedAndWhole} (${changesGone.detected} changes gone)`,
    'the server refused to start and said why': outcomes.refused,
    'harmless: everything served': outcomes.harmless,
    'taken for a write that a crash cut off, and said': `${outcomes.torn} (${changesGone.torn} changes; with a number given again: ${figures.tornWithReuse})`,
    'silent loss': failures['silent loss'],
    'wrong bytes served': failures['wrong bytes'],
    'numbers used twice': failures['number used twice'],
    'crashes and other broken rules': failures.crash + failures.rule,
    duration: `${Math.round(figures.durationMs / 1000)} s`,
  };
}

async function failingDisk(
  options: CampaignOptions,
  run: (options: FailingDiskOptions) => Promise<FailingFigures>,
): Promise<Outcome> {
  const figures = await run({
    ...options,
    onRound: (round, { acknowledged: { stream, udt, yjs }, acknowledgedWhileFailing, lost }) => {
      const problems = `acknowledged while failing ${acknowledgedWhileFailing}, lost ${lost}`;
      console.log(`round ${round}: acknowledged ${stream} + ${udt} + ${yjs}, ${problems}`);
    },
  });
  const hasShownNothing = figures.readsWhileFailing === 0;
  return {
    hasFailed: figures.problems.length > 0 || hasShownNothing,
    figures: printFigures(figures),
    problems: hasShownNothing ? ['nothing was read while the disk failed'] : figures.problems,
  };
}

async function kill9(options: CampaignOptions): Promise<Outcome> {
  const figures = await runKill9({
    ...options,
    onRound: (
      round,
      { acknowledged: { stream, udt, yjs }, lost, numbersUsedTwice, holes, otherProblems },
    ) => {
      const problems = `lost ${lost}, twice ${numbersUsedTwice}, holes ${holes}, other ${otherProblems}`;
      console.log(`round ${round}: acknowledged ${stream} + ${udt} + ${yjs}, ${problems}`);
    },
  });
  return {
    hasFailed: figures.problems.length > 0,
    figures: figuresOfKill9(figures),
    problems: figures.problems,
  };
}

function figuresOfKill9(figures: Kill9Figures): Figures {
  const perWire = ({ stream, udt, yjs }: Kill9Figures['acknowledged']): string =>
    `${stream + udt + yjs} (/ws uploads ${stream}, UDT PATCHes ${udt}, Yjs transactions ${yjs})`;
  return {
    'kill -9 while clients write': figures.rounds,
    'kill -9 while the server starts': figures.killsWhileStarting,
    'acknowledged writes': perWire(figures.acknowledged),
    'writes without an answer': perWire(figures.unacknowledged),
    'objects streamed': figures.objects,
    'acknowledged or shown, then lost': figures.lost,
    'numbers used twice': figures.numbersUsedTwice,
    holes: figures.holes,
    'other broken rules': figures.otherProblems,
    duration: `${Math.round(figures.durationMs / 1000)} s`,
  };
}

async function main(): Promise<void> {
  const names = Object.keys(campaigns);
  await new Command('campaign')
    .description('Runs one reliability campaign in full and writes its figures to test/campaigns/RESULTS.md.')
    .addArgument(new Argument('<name>', 'the campaign').choices(names))
    .option('--rounds <number>', 'how many rounds (default: as many as the campaign has)', positiveInteger)
    .option('--seeds <number>', 'the same, of campaigns whose rounds are seeds', positiveInteger)
    .option('--seed <number>', 'repeats the choices of a run (default: random)', positiveInteger)
    .option(
      '--jobs <number>',
      'processes of the simulation (default: as many as there are cores)',
      positiveInteger,
    )
    .option('--only <text>', 'of the mutants those whose names have it (default: all)')
    .action(async (name: string, options: Partial<CampaignOptions> & { seeds?: number }) => {
      const campaign = campaigns[name];
      if (!campaign) throw new InvalidArgumentError(`there is no campaign ${name}`);
      const reason = (await campaign.whyNot?.()) ?? null;
      if (reason !== null) {
        console.log(`${name}: skipped: ${reason}`);
        return;
      }
      const rounds = options.rounds ?? options.seeds ?? campaign.rounds;
      const seed = options.seed ?? 1 + Math.floor(Math.random() * 0x7fff_fffe);
      console.log(`${name}: ${rounds} rounds, seed ${seed}`);
      const { hasFailed, figures, problems } = await campaign.run({
        rounds,
        seed,
        jobs: options.jobs,
        only: options.only,
      });
      for (const [figure, value] of Object.entries(figures)) console.log(`${figure}: ${value}`);
      for (const problem of problems) console.error(problem);
      await writeResults(name, { seed, hasFailed, figures });
      if (hasFailed) process.exitCode = 1;
    })
    .parseAsync();
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('it must be a positive integer');
}

await main();
