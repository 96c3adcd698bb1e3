// `rejoin accept-loss PROJECT`: gives up what a project has lost and nobody gives back, so that it is served again without it.

import { Command, Option } from 'commander';
import type { OutcomeOf } from '../core/operations.ts';
import { RejoinError } from '../errors.ts';
import { packageVersion } from '../package-version.ts';
import { counted, printMoment } from './counted.ts';
import { dataOption, quietOption } from './flags.ts';
import { operate } from './operate.ts';
import { printProblem } from './print-finding.ts';

interface AcceptLossFlags {
  readonly data: string;
  readonly yes: boolean;
  readonly quiet: boolean;
}

type Loss = OutcomeOf<'loss'>['loss'];

export function acceptLossCommand(): Command {
  return new Command('accept-loss')
    .description('give up for good what a project has lost, so that it is served again without it')
    .argument('<project>', 'the id of the project, or session')
    .addOption(new Option('--yes', 'do it; without it, it only says what would be given up').default(false))
    .addOption(dataOption())
    .addOption(quietOption('no progress bar'))
    .action((id: string, flags: AcceptLossFlags) => runAcceptLoss(id, flags));
}

async function runAcceptLoss(id: string, { data, yes, quiet: isQuiet }: AcceptLossFlags): Promise<void> {
  if (!yes) {
    const looking = { data, doing: 'Looking what is lost', isQuiet, expected: 'loss' } as const;
    const { loss } = await operate({ type: 'look-at-loss', project: id }, looking);
    const title = `rejoin ${packageVersion()} looked at ${id} in ${data}: ${counted(loss.lost, 'change')} lost`;
    print([...printLost(loss), title, ...printRest(loss, 'would'), ...printAdvice()]);
    throw new RejoinError(
      'usage',
      `This gives up ${counted(loss.lost, 'change')} of the project ${JSON.stringify(id)} for good. If that is meant, add --yes`,
    );
  }
  const accepting = { data, doing: 'Giving up what is lost', isQuiet, expected: 'loss-accepted' } as const;
  const { loss, serverId } = await operate({ type: 'accept-loss', project: id }, accepting);
  const title = `rejoin ${packageVersion()} gave up ${counted(loss.lost, 'change')} of ${id} in ${data}`;
  const server = `  server id             ${serverId} has what is in their places`;
  print([...printLost(loss), title, ...printRest(loss, 'was'), server]);
}

function printLost({ findings, moreFindings }: Loss): string[] {
  const more = moreFindings > 0 ? [`… and ${moreFindings} more: rejoin verify lists all`] : [];
  return [...findings.map(printProblem), ...more];
}

function printRest(loss: Loss, tense: 'would' | 'was'): string[] {
  const { unshown, unshownFromMs, unshownToMs, objects, kept, renumbered, isCovered } = loss;
  const lines = [
    `  the document          ${isCovered ? 'has what they said: a snapshot does' : 'is without them'}`,
  ];
  if (unshownFromMs !== null && unshownToMs !== null)
    lines.push(
      `  builds on them        ${counted(unshown, 'more change')}, from ${printMoment(unshownFromMs)} to ${printMoment(unshownToMs)}: the document can't have them either`,
    );
  if (objects > 0)
    lines.push(
      `  of these stay         ${counted(objects, 'object')} (entries, threads, comments): they are set in the document anew`,
    );
  lines.push(
    `  stays                 ${counted(kept, 'change')}`,
    `  new numbers           ${tense === 'would' ? 'for ' : ''}${counted(renumbered, 'change')}: clients are sent them again`,
  );
  return lines;
}

function printAdvice(): string[] {
  return [
    '  try first             a server that may have them: start this one with --peer URL, and they come back by themselves',
    '  or                    a backup that has them: rejoin restore',
  ];
}

function print(lines: readonly string[]): void {
  process.stdout.write([...lines, ''].join('\n'));
}
