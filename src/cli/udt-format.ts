// Which of UDT's forms a file has: what --format says, else what its name ends in.

import { RejoinError } from '../errors.ts';

export type UdtFormat = 'json' | 'csv';

/** What stands for standard input and standard output in place of a file's name. */
export const standardStream = '-';

/**
 * @param otherwise the form when neither tells; null asks for --format.
 * @throws RejoinError `usage`.
 */
export function formatOf(file: string, given: UdtFormat | undefined, otherwise: UdtFormat | null): UdtFormat {
  if (given) return given;
  if (/\.json$/i.test(file)) return 'json';
  if (/\.csv$/i.test(file)) return 'csv';
  if (otherwise) return otherwise;
  const what =
    file === standardStream ? 'Standard input has no name' : `${file} ends in neither .json nor .csv`;
  throw new RejoinError('usage', `${what}: say what it is with --format json or --format csv`);
}
