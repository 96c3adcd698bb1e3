// A script that uploads entries with fetch, one after the other, each until it is taken: also those of a project that is deleted and
// brought back meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { pathOf, rest } from '../../support/rest-client.ts';
import { markedEntry, sharedEdit } from './entries.ts';
import type { Wire } from './ledger.ts';
import { Person, type PersonOptions } from './person.ts';

const patienceMs = 10_000;
const againMs = 100;

interface Upload {
  readonly project: string;
  readonly mark: string;
  readonly entry: JsonObject;
}

export class RestPerson extends Person {
  readonly wire: Wire = 'rest';
  /** Not taken yet. */
  private readonly waiting: Upload[] = [];

  /** @param shared the project whose shared entry it edits. */
  constructor(
    options: PersonOptions,
    private readonly projects: readonly [string, ...string[]],
    private readonly shared: string,
  ) {
    super(options);
  }

  async waitsFor(): Promise<string | null> {
    await this.sendWaiting();
    return this.waiting.length > 0 ? `${this.waiting.length} uploads of ${this.name}` : null;
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  protected async write(): Promise<void> {
    const mark = this.newMark();
    const { chance } = this;
    if (this.waiting.length < 4)
      this.waiting.push(
        this.writes === 1 || chance.oneIn(6)
          ? { project: this.shared, mark, entry: sharedEdit(chance, mark) }
          : { project: chance.pick(this.projects), mark, entry: markedEntry(chance, mark) },
      );
    await this.sendWaiting();
  }

  protected moved(): Promise<void> {
    return Promise.resolve();
  }

  private async sendWaiting(): Promise<void> {
    for (const upload of [...this.waiting]) {
      if (!(await this.send(upload))) continue;
      this.waiting.splice(this.waiting.indexOf(upload), 1);
      this.acknowledge(upload.mark, upload.project, true);
    }
  }

  private async send({ project, entry }: Upload): Promise<boolean> {
    try {
      const { status, body } = await rest(this.home.url, pathOf(project, '/objects'), {
        method: 'POST',
        body: JSON.stringify({ objects: [{ type: 'newentry', archivetime: null, ...entry }] }),
        signal: AbortSignal.timeout(patienceMs),
      });
      // A project that is deleted comes back; a server that stops says so.
      if (![200, 410, 503].includes(status))
        this.ledger.fail(`${this.name}: an upload was answered with ${status} ${JSON.stringify(body)}`);
      return status === 200;
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof DOMException))
        this.ledger.fail(`${this.name}: ${messageOf(error)}`);
      await sleep(againMs); // it was cut off
      return false;
    }
  }
}
