// The way of commands to the server that has the data folder: a small HTTP server on loopback, which answers only to who
// can read `<data>/control.json`. The composition root opens it; the commands ask through cli/control-client.ts.

import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { controlFileName, writeControlFile } from './control-file.ts';
import {
  operationShape,
  outcomeShape,
  stepShape,
  type Operation,
  type Operations,
} from './core/operations.ts';
import { RejoinError, errorCodes, messageOf } from './errors.ts';
import type { Environment } from './model/environment.ts';

/** One line of the answer each; the last one is an outcome or an error. */
export const controlLineShape = z.discriminatedUnion('type', [
  ...stepShape.options,
  z.object({ type: z.literal('outcome'), outcome: outcomeShape }),
  z.object({ type: z.literal('error'), code: z.enum(errorCodes), message: z.string() }),
]);

type ControlLine = z.infer<typeof controlLineShape>;

export const controlContentType = 'application/x-ndjson';

export interface ControlOptions {
  readonly operations: Pick<Operations, 'run'>;
  readonly environment: Environment;
  readonly log?: Logger | undefined;
}

const tokenBytes = 32;
const bodyBytesMax = 64 * 1024;

export class Control {
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
    private readonly token: string,
    private readonly options: ControlOptions,
  ) {
    server.on('request', (request, response) => {
      const answered = this.answer(request, response);
      this.running.add(answered);
      void answered.finally(() => this.running.delete(answered));
    });
  }

  /**
   * Listens, and writes where into the data folder. One that a killed server has left there is replaced.
   * @throws RejoinError `data-unusable` if it can't be written.
   */
  static async open(folder: string, options: ControlOptions): Promise<Control> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const token = Buffer.from(options.environment.randomBytes(tokenBytes)).toString('base64url');
    const control = new Control(folder, server, token, options);
    try {
      await control.writeFile();
    } catch (cause) {
      await control.close(0); // nothing runs yet
      throw new RejoinError(
        'data-unusable',
        `The file ${join(folder, controlFileName)} can't be written: ${messageOf(cause)}`,
        {
          cause,
        },
      );
    }
    return control;
  }

  /** Gives up what is running, and waits so long for it to end: one that waits for a dead disk never does. */
  async close(withinMs: number): Promise<void> {
    await rm(join(this.folder, controlFileName), { force: true });
    this.stopping.abort(new RejoinError('unavailable', 'The server stops'));
    if (!(await isDoneWithin(withinMs, Promise.all(this.running))))
      this.options.log?.warn({ type: 'operation' }, 'a command is cut off: what it asks for does not end');
    this.server.close();
    this.server.closeAllConnections();
  }

  private async writeFile(): Promise<void> {
    const address = this.server.address();
    if (address === null || typeof address === 'string')
      throw new RejoinError('internal', 'The control channel has no port');
    const url = `http://127.0.0.1:${address.port}`;
    await writeControlFile(this.folder, { url, token: this.token, pid: process.pid });
  }

  /** Never throws: whatever goes wrong is the answer. */
  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.isAllowed(request.headers.authorization ?? '')) {
      response.writeHead(401).end();
      return;
    }
    const leaving = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished)
        leaving.abort(new RejoinError('unavailable', 'Whoever asked for it has left'));
    });
    const write = (line: ControlLine): void => void response.write(JSON.stringify(line) + '\n');
    response.writeHead(200, { 'Content-Type': controlContentType });
    response.flushHeaders(); // before anything is begun: whoever is cut off then knows that it may have been
    try {
      const operation = await readOperation(request);
      this.options.log?.info({ type: 'operation', operation }, `a command asks for: ${operation.type}`);
      const stopping = AbortSignal.any([this.stopping.signal, leaving.signal]);
      const outcome = await this.options.operations.run(operation, { onStep: write, stopping });
      write({ type: 'outcome', outcome });
    } catch (error) {
      const code = error instanceof RejoinError ? error.code : 'internal';
      if (code === 'internal')
        this.options.log?.error({ type: 'defect', error: messageOf(error) }, 'a command failed');
      write({ type: 'error', code, message: messageOf(error) });
    }
    response.end();
  }

  private isAllowed(authorization: string): boolean {
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(authorization), digest(`Bearer ${this.token}`));
  }
}

async function isDoneWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws RejoinError `bad-request`. */
async function readOperation(request: IncomingMessage): Promise<Operation> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((bytes += chunk.length) > bodyBytesMax)
      throw new RejoinError('too-large', `The operation is longer than ${bodyBytesMax} bytes`);
  }
  try {
    return operationShape.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (cause) {
    const message =
      'The server does not know this operation: the command and the server should be one release';
    throw new RejoinError('bad-request', message, { cause });
  }
}
