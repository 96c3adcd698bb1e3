// A Yjs app with the provider of y-websocket, which hears by `?ack=1` what is durable: it writes online and offline, and takes its
// document along when it goes to another server.

import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { openYjs, type YjsDocument } from '../../../src/client/yjs.ts';
import { textOf } from '../../support/stream-client.ts';
import { markedEntry } from './entries.ts';
import type { Wire } from './ledger.ts';
import { Person, type PersonOptions } from './person.ts';

export class YjsPerson extends Person {
  readonly wire: Wire = 'yjs';
  private opened: YjsDocument<WebsocketProvider>;
  /** Mark → whether it is an object. */
  private readonly unacknowledged = new Map<string, boolean>();
  private hasLeft = false;

  constructor(
    options: PersonOptions,
    readonly project: string,
    readonly doc = new Y.Doc(),
  ) {
    super(options);
    this.opened = this.open();
  }

  waitsFor(): Promise<string | null> {
    const { synced } = this.opened.provider;
    const count = this.unacknowledged.size;
    return Promise.resolve(
      synced && count === 0 ? null : `${this.name} (synced ${synced}, unacknowledged ${count})`,
    );
  }

  leave(): Promise<void> {
    this.hasLeft = true;
    this.opened.destroy();
    this.doc.destroy();
    return Promise.resolve();
  }

  protected write(): Promise<void> {
    const mark = this.newMark();
    const isObject = this.chance.oneIn(3);
    this.unacknowledged.set(mark, isObject);
    this.doc.transact(() => {
      if (isObject) this.setEntry(mark);
      else this.doc.getMap('notes').set(mark, true);
      this.edit(mark);
    });
    this.acknowledgeWhenDurable();
    return Promise.resolve();
  }

  protected moved(): Promise<void> {
    this.opened.destroy();
    this.opened = this.open();
    if (this.unacknowledged.size > 0) this.acknowledgeWhenDurable();
    return Promise.resolve();
  }

  private open(): YjsDocument<WebsocketProvider> {
    const options = { disableBc: true, maxBackoffTime: 200 };
    return openYjs(this.home.url, this.project, this.doc, { WebsocketProvider, WebSocket, options });
  }

  /** What others edit at the same time, too. */
  private edit(mark: string): void {
    const { doc, chance } = this;
    const text = doc.getText('text');
    switch (chance.integer(1, 4)) {
      case 1:
        text.insert(chance.integer(0, text.length), 'words ', { bold: chance.oneIn(2) });
        break;
      case 2:
        if (text.length > 3) text.delete(chance.integer(0, text.length - 3), 2);
        break;
      case 3: {
        const samples = doc.getMap('udt').get('samples');
        const sample: unknown = samples instanceof Y.Array ? samples.get(0) : null;
        if (sample instanceof Y.Map) sample.set('annotation', mark);
        break;
      }
      default:
        doc.getMap('app').set('last', mark);
    }
  }

  private setEntry(mark: string): void {
    const entry = markedEntry(this.chance, mark);
    this.doc.getMap('entries').set(textOf(entry, 'version_uuid'), entry);
  }

  private acknowledgeWhenDurable(): void {
    const { opened } = this;
    const written = [...this.unacknowledged];
    opened.durable().then(
      () => {
        for (const [mark, isObject] of written) {
          this.unacknowledged.delete(mark);
          this.acknowledge(mark, this.project, isObject);
        }
      },
      (error: unknown) => {
        if (opened === this.opened && !this.hasLeft) this.ledger.fail(`${this.name}: ${String(error)}`);
      },
    );
  }
}
