// `rejoin tail URL PROJECT`: shows what changes in a project, and goes on after a cut.

import { Command, InvalidArgumentError, Option } from 'commander';
import type { Place } from '../client/storage.ts';
import { RejoinError, messageOf } from '../errors.ts';
import { parseVersionVector, printVersionVector } from '../model/version-vector.ts';
import { httpUrl, projectId } from './flag-values.ts';
import { kinds, type Kind, type TailFlags } from './tail-flags.ts';

export function tailCommand(): Command {
  return new Command('tail')
    .description('show what changes in a project, and go on after a cut')
    .argument('<url>', 'where the server is, such as http://localhost:6003', httpUrl)
    .argument('<project>', 'the id of the project', projectId)
    .addOption(new Option('--json', 'the messages of the stream as they are, one in a line').default(false))
    .addOption(
      new Option(
        '--since <vector>',
        "only what came after this: '[[1,5]]' is the fifth change of server 1 (default: all of it)",
      ).argParser(vector),
    )
    .addOption(new Option('--report <id>', 'only the entries of this report'))
    .addOption(
      new Option(
        '--kinds <list>',
        `some of ${kinds.join(',')} (default: all, with --report entries)`,
      ).argParser(kindList),
    )
    .addOption(new Option('--no-follow', 'end when everything is shown that the server has'))
    .action(async (url: URL, project: string, flags: TailFlags) => {
      checkKinds(flags);
      const { runTail } = await import('./run-tail.ts'); // the other commands don't wait for the client to load
      await runTail(url, project, flags);
    });
}

function checkKinds({ kinds: asked, report }: TailFlags): void {
  if (report !== undefined && asked?.some((kind) => kind !== 'entries') === true)
    throw new RejoinError(
      'usage',
      'Give --report or other --kinds than entries, not both: a report has only entries',
    );
}

function vector(text: string): Place[] {
  try {
    return printVersionVector(parseVersionVector(JSON.parse(text), 'It', 10_000));
  } catch (error) {
    const problem = error instanceof RejoinError ? messageOf(error) : 'It must be JSON';
    throw new InvalidArgumentError(`${problem}, such as [[1,5]].`);
  }
}

function kindList(text: string): Kind[] {
  return text.split(',').map((name) => {
    const kind = kinds.find((each) => each === name.trim());
    if (kind) return kind;
    throw new InvalidArgumentError(`It should be some of ${kinds.join(', ')}, separated by commas.`);
  });
}
