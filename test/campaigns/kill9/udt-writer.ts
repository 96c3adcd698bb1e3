// An annotator's client: PATCHes of one session, several at a time. What was not answered is not sent again: such a
// PATCH may have been applied or not.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from '../../../src/model/json-patch.ts';
import type { Chance } from './chance.ts';
import { refusedPauseMs, type Ledger, type Part } from './ledger.ts';
import { patchSession, Refusal } from './udt-client.ts';
import type { Address, Writer } from './writer.ts';

const patchesInFlight = 6;

export class UdtWriter implements Writer {
  private running: Promise<unknown> = Promise.resolve();
  private isStopped = true;
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly session: string,
    private readonly ledger: Ledger,
    private readonly chance: Chance,
  ) {}

  start({ url }: Address, round: number): Promise<void> {
    this.isStopped = false;
    const bucket = `${this.name}-${round}`;
    // The first makes the object that the others enter.
    const first = this.write(url, bucket, [{ op: 'add', path: `/marks/${bucket}`, value: {} }]);
    this.running = first.then(async (goesOn) => {
      if (!goesOn) return;
      await Promise.all(Array.from({ length: patchesInFlight }, () => this.lane(url, bucket)));
    });
    return first.then(() => undefined);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async lane(url: string, bucket: string): Promise<void> {
    while (!this.isStopped && (await this.write(url, bucket, [])));
  }

  /** @returns whether to go on. */
  private async write(url: string, bucket: string, first: readonly Operation[]): Promise<boolean> {
    const { operations, parts } = this.randomPatch(bucket);
    const write = this.ledger.begin('udt', parts);
    try {
      const reply = await patchSession(url, this.session, [...first, ...operations]);
      write.acknowledged = true;
      this.ledger.sawVersion(this.session, reply.latestVersion, reply.hashOfLatestState);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) return false; // it was killed
      if (!this.ledger.sawRefusal(String(error.status))) {
        this.ledger.report('rule', error.message);
        return false;
      }
      await sleep(refusedPauseMs);
      return first.length === 0; // without the bucket there is nowhere to write to
    }
  }

  private randomPatch(bucket: string): { operations: Operation[]; parts: Part[] } {
    const { session: project } = this;
    const key = `k${++this.count}`;
    const value = this.chance.uuid();
    const mark = { type: 'mark', project, bucket, key, value } as const;
    const setMark = { op: 'add', path: `/marks/${bucket}/${key}`, value } as const;
    if (!this.chance.oneIn(4)) return { operations: [setMark], parts: [mark] };
    const sample = { type: 'sample', project, id: `${bucket}-${key}`, text: this.chance.uuid() } as const;
    const element = { id: sample.id, text: sample.text };
    return {
      operations: [setMark, { op: 'add', path: '/samples/-', value: element }],
      parts: [mark, sample],
    };
  }
}
