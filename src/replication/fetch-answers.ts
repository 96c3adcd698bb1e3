// Answers what the peer of a link asks for because it has lost it: one question after the other, beside all that goes on, within
// the window. The dialogue makes one for each link.

import { RejoinError, messageOf } from '../errors.ts';
import type { Fetch } from '../wire/replication/messages.ts';
import type { LinkOutput } from './link-output.ts';
import type { LinkEvent } from './link-transport.ts';
import type { Replicas } from './replicas-port.ts';
import { Wake } from './wake.ts';

export interface FetchAnswersOptions {
  readonly replicas: Replicas;
  readonly output: LinkOutput;
  readonly observe: (event: LinkEvent) => void;
}

/** An honest peer asks for the next when it has the answer to the one before. */
const waitingMax = 64;

export class FetchAnswers {
  private readonly waiting: Fetch[] = [];
  private readonly changed = new Wake();
  private hasEnded = false;

  constructor(private readonly options: FetchAnswersOptions) {}

  /** @throws RejoinError `bad-request` if the peer asks for far too much at once. */
  add(question: Fetch): void {
    if (this.waiting.length >= waitingMax)
      throw new RejoinError(
        'bad-request',
        `fetch: ${waitingMax} are not answered yet; that is too much at once`,
      );
    this.waiting.push(question);
    this.changed.wake();
  }

  /** Answers what is added until `end`. */
  async run(): Promise<void> {
    while (!this.hasEnded) {
      const question = this.waiting.shift();
      if (question) await this.answer(question);
      else await this.changed.next();
    }
  }

  end(): void {
    this.hasEnded = true;
    this.changed.wake();
  }

  /** What can't be read is left out: the peer asks somebody else. */
  private async answer({ project, serverId, first, last }: Fetch): Promise<void> {
    const { replicas, output, observe } = this.options;
    const send = (records: readonly Uint8Array[], isLast: boolean): Promise<boolean> =>
      output.sendInWindow(() => ({ type: 'fetched', project, serverId, records, isLast }));
    try {
      if (replicas.isReplicated(project))
        for await (const records of replicas.read(project, { serverId, first, last }))
          if (!(await send(records, false))) return;
    } catch (error) {
      if (!this.hasEnded) observe({ type: 'project-failed', project, detail: messageOf(error) });
    }
    await send([], true);
  }
}
