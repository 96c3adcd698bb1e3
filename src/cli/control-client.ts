// Asks the server that has the data folder to do something, through its control channel (control.ts). The commands that work on
// a data folder try this first.

import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { readControlFile, type ControlAddress } from '../control-file.ts';
import { controlContentType, controlLineShape } from '../control.ts';
import type { Listening, Operation, Outcome } from '../core/operations.ts';
import { RejoinError } from '../errors.ts';

/**
 * @returns null if no server answers for this folder: none runs there, or what is known of it is of one that was killed, or of that of
 *   another folder of which this one is a copy.
 * @throws RejoinError whatever the server says; `unavailable` if it ends before it has said so.
 */
export async function askServer(
  data: string,
  operation: Operation,
  listening: Listening,
): Promise<Outcome | null> {
  const control = await readControlFile(data);
  const response = control && (await send(control, operation, listening.stopping));
  if (!response) return null;
  const isOurs = response.statusCode === 200 && response.headers['content-type'] === controlContentType;
  if (!isOurs) {
    response.destroy(); // another program has the port that a killed server had
    return null;
  }
  try {
    return await readAnswer(response, listening);
  } finally {
    response.destroy();
  }
}

/** @returns null if nobody is there, or who is there has begun nothing: a server answers before it begins. */
async function send(
  { url, token }: ControlAddress,
  operation: Operation,
  stopping: AbortSignal,
): Promise<IncomingMessage | null> {
  const sent = request(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    signal: stopping,
  });
  sent.on('error', () => undefined); // what ends it early is told by the answer that is cut off
  sent.end(JSON.stringify(operation));
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  } catch {
    stopping.throwIfAborted();
    return null;
  }
}

async function readAnswer(response: IncomingMessage, { onStep, stopping }: Listening): Promise<Outcome> {
  const cut = new RejoinError('unavailable', 'The server ended before it was done: ask again');
  response.on('error', () => undefined); // then the lines end without an outcome, or with this error
  try {
    for await (const line of createInterface({ input: response })) {
      const message = parseLine(line);
      switch (message.type) {
        case 'outcome':
          return message.outcome;
        case 'error':
          throw new RejoinError(message.code, message.message);
        default:
          onStep(message);
      }
    }
  } catch (error) {
    if (error instanceof RejoinError) throw error;
    cut.cause = error; // the answer was cut off in the middle
  }
  stopping.throwIfAborted();
  throw cut;
}

function parseLine(line: string): z.infer<typeof controlLineShape> {
  try {
    return controlLineShape.parse(JSON.parse(line));
  } catch (cause) {
    const message =
      'The server answers what this release does not know: the command and the server should be one release';
    throw new RejoinError('unavailable', message, { cause });
  }
}
