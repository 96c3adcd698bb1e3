// A crew's report tool: uploads entries over `/ws`, and sends again what was not answered, with the same uuids, to whichever server it
// is at.

import type { JsonObject } from '../../../src/model/json.ts';
import type { StreamFrame } from '../kill9/stream-socket.ts';
import { markedEntry, sharedEdit } from './entries.ts';
import type { Wire } from './ledger.ts';
import { Person, type PersonOptions } from './person.ts';
import { StreamLine } from './stream-line.ts';

const uploadsInFlight = 4;
/** A project that is deleted is brought back. */
const askAgainMs = 500;

interface Upload {
  readonly project: string;
  readonly mark: string;
  readonly entry: JsonObject;
}

export class StreamPerson extends Person {
  readonly wire: Wire = 'ws';
  private readonly unanswered = new Map<string, Upload>();
  private readonly line: StreamLine;
  private sendings = 0;

  /** @param shared the project whose shared entry it edits. */
  constructor(
    options: PersonOptions,
    private readonly projects: readonly [string, ...string[]],
    private readonly shared: string,
  ) {
    super(options);
    this.line = new StreamLine({
      home: () => this.home,
      opened: () => {
        for (const upload of this.unanswered.values()) this.send(upload);
      },
      hear: (frame) => this.hear(frame),
    });
  }

  waitsFor(): Promise<string | null> {
    return Promise.resolve(this.unanswered.size > 0 ? `the answers to uploads of ${this.name}` : null);
  }

  leave(): Promise<void> {
    this.line.end();
    return Promise.resolve();
  }

  protected write(): Promise<void> {
    if (this.unanswered.size >= uploadsInFlight) return Promise.resolve();
    const mark = this.newMark();
    const { chance } = this;
    const upload =
      this.writes === 1 || chance.oneIn(6)
        ? { project: this.shared, mark, entry: sharedEdit(chance, mark) }
        : { project: chance.pick(this.projects), mark, entry: markedEntry(chance, mark) };
    this.unanswered.set(mark, upload);
    this.send(upload);
    return Promise.resolve();
  }

  protected moved(): Promise<void> {
    this.line.cut(); // the next is where it is now
    return Promise.resolve();
  }

  private hear(frame: StreamFrame): void {
    if (frame.type !== 'uploaded' && frame.type !== 'error') return;
    const [mark = ''] = frame.muxId.split(' ');
    const upload = this.unanswered.get(mark);
    if (!upload) return; // it was answered before: it had been sent twice
    if (frame.type === 'uploaded') {
      this.unanswered.delete(upload.mark);
      this.acknowledge(upload.mark, upload.project, true);
    } else if (frame.text.includes('"deleted"')) {
      setTimeout(() => this.send(upload), askAgainMs); // somebody brings it back
    } else {
      this.ledger.fail(`${this.name}: an upload was answered with ${frame.text}`);
    }
  }

  private send({ project, mark, entry }: Upload): void {
    const objects = [{ type: 'newentry', project_id: project, archivetime: null, ...entry }];
    this.line.send(JSON.stringify({ type: 'upload', mux_id: `${mark} ${++this.sendings}`, objects }));
  }
}
