// `rejoin upload URL PROJECT FILE`: makes entries of the rows of a report file.

import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import { RejoinError } from '../errors.ts';
import { duration, httpUrl, projectId } from './flag-values.ts';
import { formatOption, quietOption } from './flags.ts';
import { formatOf, standardStream, type UdtFormat } from './udt-format.ts';
import type { UploadOrder } from './upload-order.ts';

interface UploadFlags {
  readonly report?: string;
  readonly clip?: string;
  readonly key?: string;
  readonly reason?: string;
  readonly format?: UdtFormat;
  readonly wait: number;
  readonly quiet: boolean;
}

export function uploadCommand(): Command {
  return new Command('upload')
    .description('make entries of the rows of a report file; rows that are there already stay as they are')
    .argument('<url>', 'where the server is, such as http://localhost:6003', httpUrl)
    .argument('<project>', 'the id of the project', projectId)
    .argument(
      '<file>',
      'FILE.csv with a header, or FILE.json with a list of flat objects; - is standard input',
    )
    .addOption(new Option('--report <id>', "the report's id (default: the file's name without its ending)"))
    .addOption(
      new Option('--clip <column>', 'the column that names the clip (default: clip_id, else the first)'),
    )
    .addOption(
      new Option(
        '--key <column>',
        'the column that identifies rows: a row that has changed becomes an edit, not another entry',
      ),
    )
    .addOption(new Option('--reason <text>', 'why, for edits (default: that they are from this file)'))
    .addOption(formatOption("the file's form (default: by its name)"))
    .addOption(
      new Option('--wait <time>', 'give up after so long without a connection')
        .default(duration(0)('1m'), '1m')
        .argParser(duration(0)),
    )
    .addOption(quietOption('no progress bar, and no summary'))
    .action(async (url: URL, project: string, file: string, flags: UploadFlags) => {
      const { runUpload } = await import('./run-upload.ts'); // the other commands don't wait for the client to load
      await runUpload(orderOf(url, project, file, flags));
    });
}

function orderOf(url: URL, project: string, file: string, flags: UploadFlags): UploadOrder {
  const name = file === standardStream ? 'standard input' : basename(file);
  const { clip, key, reason = `from ${name}`, wait: waitMs, quiet: isQuiet } = flags;
  const format = formatOf(file, flags.format, null);
  const report = reportOf(file, flags.report);
  return { url, project, file, format, report, clip, key, reason, waitMs, isQuiet };
}

function reportOf(file: string, given: string | undefined): string {
  if (given === undefined && file === standardStream)
    throw new RejoinError('usage', 'Standard input has no name: say with --report which report it is');
  const report = given ?? basename(file, extname(file));
  if (report !== '' && report.length <= reportUnitsMax) return report;
  throw new RejoinError('usage', `The report's id must have 1 to ${reportUnitsMax} characters: --report`);
}

/** As the server has it for every uuid. */
const reportUnitsMax = 128;
