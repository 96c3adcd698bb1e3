// Follows a project for `rejoin tail`: a line for each change on standard output, what becomes of the connection on
// standard error.

import { once } from 'node:events';
import util from 'node:util';
import { connect } from '../client/client.ts';
import type { FollowedMessage } from '../client/follow-stream.ts';
import { isSystemError, messageOf } from '../errors.ts';
import { tellConnection } from './connection-sentences.ts';
import { warn } from './flags.ts';
import { ChangePrinter, type Paint } from './print-change.ts';
import { wantedKinds, type TailFlags } from './tail-flags.ts';

/**
 * Resolves when it was ended: by a signal, by a reader that has left, or with --no-follow by the end of the history.
 * @throws RejoinError what keeps the stream from going on.
 */
export async function runTail(url: URL, project: string, flags: TailFlags): Promise<void> {
  const client = connect(url);
  tellConnection(client, url);
  const print = printerFor(flags);
  const options = { since: flags.since, ...wantedKinds(flags) };
  const stream = client.follow(project, options, async (message) => {
    const line = isWanted(message, flags) ? print(message) : null;
    if (line !== null) await write(line);
    if (message['type'] === 'sync' && !flags.follow) stream.close();
  });
  const stop = (): void => {
    stream.close();
    warn(`to go on from here: --since '${JSON.stringify(stream.vector)}'`);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  process.stdout.on('error', (error: Error) => {
    const isBrokenPipe = isSystemError(error, 'EPIPE'); // `| head` has what it wants
    if (!isBrokenPipe) warn(`Standard output can't be written: ${messageOf(error)}`);
    stream.close();
  });
  try {
    await stream.ended;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await client.close();
  }
}

function isWanted(message: FollowedMessage, { report }: TailFlags): boolean {
  return report === undefined || message['type'] === 'sync' || message['report_uuid'] === report;
}

function printerFor({ json }: TailFlags): (message: FollowedMessage) => string | null {
  if (json) return (message) => JSON.stringify(message);
  const printer = new ChangePrinter(paintFor(process.stdout));
  return (message) => printer.line(message);
}

/** NO_COLOR and its like are heeded. The first versions of Node 20 have no `styleText`. */
function paintFor(stream: typeof process.stdout, { styleText }: Partial<typeof util> = util): Paint {
  const hasColors = stream.isTTY && stream.hasColors();
  return styleText && hasColors ? (style, text) => styleText(style, text) : (_, text) => text;
}

/** Resolves when there is room for more. */
async function write(line: string): Promise<void> {
  if (!process.stdout.write(line + '\n')) await once(process.stdout, 'drain');
}
