// `rejoin verify`: reads everything that a data folder holds, says what is damaged, and mends what can be mended.

import { Command, Option } from 'commander';
import { RejoinError } from '../errors.ts';
import type { Finding } from '../store/findings.ts';
import { counted } from './counted.ts';
import { dataOption, quietOption } from './flags.ts';
import { operate } from './operate.ts';
import { packageVersion } from '../package-version.ts';
import { printProblem } from './print-finding.ts';

interface VerifyFlags {
  readonly data: string;
  readonly repair: boolean;
  readonly quiet: boolean;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('read everything in the data folder and say what is damaged, also while the server runs')
    .addOption(
      new Option('--repair', 'mend what can be mended from what is here, and note the rest').default(false),
    )
    .addOption(dataOption())
    .addOption(quietOption('no progress bar'))
    .action((flags: VerifyFlags) => runVerify(flags));
}

async function runVerify({ data, repair, quiet: isQuiet }: VerifyFlags): Promise<void> {
  const damaged = await damagedBefore(data, repair);
  const findings: Finding[] = [];
  const { counts, wanted } = await operate(
    { type: 'verify', isRepair: repair },
    {
      data,
      doing: 'Reading everything',
      isQuiet,
      expected: 'verified',
      onStep: (step) => step.type === 'finding' && findings.push(step.finding),
    },
  );
  const open = findings.filter(({ remedy }) => remedy !== 'mended');
  const kinds = Object.entries(counts).map(([kind, count]) => `${kind} ${count.toLocaleString('en-US')}`);
  process.stdout.write(
    [
      ...findings.map(printFinding),
      `rejoin ${packageVersion()} read all of ${data}: ${conclusionOf(findings, damaged)}`,
      `  read                  ${kinds.join(', ')}`,
      ...(wanted > 0
        ? [`  wanted                ${counted(wanted, 'change')} that a linked server may give back`]
        : []),
      '',
    ].join('\n'),
  );
  if (open.length > 0) throw new RejoinError('damaged', adviceFor(open, repair));
  if (damaged.length > 0)
    throw new RejoinError(
      'damaged',
      'The files of the database were damaged and are mended, but changes may be missing: a server with --peer fetches back what the other one has of them; or restore a backup',
    );
}

function conclusionOf(findings: readonly Finding[], damaged: readonly string[]): string {
  if (findings.length > 0) return counted(findings.length, 'finding');
  return damaged.length > 0 ? 'what the damage has left is whole' : 'all is whole';
}

/**
 * A folder that no server runs on is opened to be read, and opening mends its files: whoever only wants to know what is wrong
 * is told before.
 * @returns what is wrong with the files, one sentence each: nobody could tell afterwards.
 */
async function damagedBefore(data: string, isRepair: boolean): Promise<readonly string[]> {
  const { damagedFiles } = await import('../store/damaged-files.ts');
  const damaged = await damagedFiles(data);
  if (damaged.length === 0 || isRepair) return damaged;
  process.stdout.write(damaged.map((problem) => `${problem}\n`).join(''));
  throw new RejoinError(
    'damaged',
    'The files of the database are damaged, and nothing more was read: opening them mends them, under a new server id; that is what `rejoin verify --repair` does, and the start of the server',
  );
}

const remedies: Readonly<Record<Finding['remedy'], string>> = {
  mended: 'mended',
  mendable: 'can be mended: --repair',
  peer: 'lost here: a linked server gives it back, or a backup has it',
  harmless: 'nothing to be done',
};

function printFinding(finding: Finding): string {
  return `${printProblem(finding)} (${remedies[finding.remedy]})`;
}

function adviceFor(open: readonly Finding[], isRepair: boolean): string {
  const wanted = open.filter(({ remedy }) => remedy === 'peer').length;
  const mendable = open.some(({ remedy }) => remedy === 'mendable');
  const found = `${counted(open.length, 'finding')} not mended`;
  if (mendable) return `${found}: --repair mends what can be mended`;
  if (wanted === 0) return `${found}: none of them costs anything but time`;
  const noted = isRepair ? 'it is noted, and' : '--repair notes what is lost, and then';
  return `${found}: ${noted} a server with --peer fetches back what the other one has of it; or restore a backup`;
}
