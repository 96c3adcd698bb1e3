// An app with the client library: writes rows, online or not, and takes its storage along when it goes to another server.

import { WebSocket } from 'ws';
import { connect, type Client } from '../../../src/client/client.ts';
import { MemoryStorage } from '../../../src/client/memory-storage.ts';
import type { Storage } from '../../../src/client/storage.ts';
import { until } from '../../support/until.ts';
import { quickEnvironment } from '../../support/with-clients.ts';
import { sharedEntry, sharedReport } from './entries.ts';
import type { Wire } from './ledger.ts';
import { Person, type PersonOptions } from './person.ts';

export class LibraryPerson extends Person {
  readonly wire: Wire = 'client';
  private client: Client;
  private changing: Promise<void> = Promise.resolve();

  constructor(
    options: PersonOptions,
    private readonly project: string,
    private readonly storage: Storage = new MemoryStorage(),
  ) {
    super(options);
    this.client = this.open();
  }

  /**
   * What waits in its storage to be sent, when its server is gone for good: read once the client has noticed that, since an answer that
   * the server gave may still be on its way until then, and takes a write out of the queue.
   */
  async queueLeft(): Promise<string> {
    await until(`${this.name} is cut off`, () => !this.client.status.connected);
    return this.queuedText();
  }

  /** What waits in its storage to be sent. */
  async queuedText(): Promise<string> {
    return JSON.stringify((await this.storage.load(this.project)).queue);
  }

  async waitsFor(): Promise<string | null> {
    const { connected, caughtUp, pending } = this.client.status;
    if (connected && caughtUp && pending === 0) return Promise.resolve(null);
    return Promise.resolve(
      `${this.name} (connected ${connected}, caught up ${caughtUp}, pending ${pending})`,
    );
  }

  async leave(): Promise<void> {
    if (this.client.refused().length > 0) this.ledger.fail(`${this.name}: a write was refused`);
    await this.client.close();
  }

  protected async write(): Promise<void> {
    await this.changing;
    const mark = this.newMark();
    const project = this.client.project(this.project);
    const content = { note: mark };
    if (this.chance.oneIn(6) && project.row(sharedReport, sharedEntry.entry_uuid))
      await project.edit(sharedReport, sharedEntry.entry_uuid, { content }, 'seen again');
    else await project.add(sharedReport, { clip_id: 'A001', content });
    this.acknowledge(mark, this.project, true);
  }

  protected moved(): Promise<void> {
    const before = this.client;
    this.changing = before.close().then(() => {
      this.client = this.open();
    });
    return this.changing;
  }

  private open(): Client {
    const onError = (error: Error): void => this.ledger.fail(`${this.name}: ${String(error)}`);
    const options = { storage: this.storage, WebSocket, environment: quickEnvironment, author: this.name };
    const client = connect(this.home.url, { ...options, onError });
    client.project(this.project);
    return client;
  }
}
