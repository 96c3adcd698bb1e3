// A Yjs app that is open all the time, online or not: it keeps its document over kills. A write of its counts as
// acknowledged when its own echo arrives (YJS-7).

import * as Y from 'yjs';
import type { YjsMessage } from '../../../src/wire/yjs.ts';
import type { Chance } from './chance.ts';
import type { Ledger, Part, Write } from './ledger.ts';
import { randomObject } from './random-object.ts';
import type { Address, Writer } from './writer.ts';
import { YjsConnection } from './yjs-connection.ts';

const writesInFlight = 8;

interface Unacknowledged {
  readonly write: Write;
  readonly round: number;
  /** What the echo must contain: structs of this document's client, or deletions. */
  readonly needs: Span & { readonly of: 'structs' | 'deletions' };
}

interface Span {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

export class YjsWriter implements Writer {
  private doc = new Y.Doc();
  private connection: YjsConnection | null = null;
  private readonly unacknowledged = new Set<Unacknowledged>();
  /** Acknowledged notes of this document, with their place in it. */
  private notes: { readonly key: string; readonly at: Span }[] = [];
  private round = 0;
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly project: string,
    private readonly ledger: Ledger,
    private readonly chance: Chance,
  ) {}

  start({ socketUrl }: Address, round: number): Promise<void> {
    this.round = round;
    if (this.chance.oneIn(4)) this.forget();
    const connection = new YjsConnection(socketUrl, this.project, this.doc, (message) => this.hear(message));
    this.connection = connection;
    if (this.chance.oneIn(2)) this.writeMore(); // offline: it goes with the first sync
    return new Promise((resolve) => {
      connection.onSynced(() => {
        this.writeMore();
        resolve();
      });
      connection.onClosed(resolve);
    });
  }

  async stop(): Promise<void> {
    await this.connection?.untilClosed();
    this.connection = null;
  }

  /** The page was closed without storage of its own: what the server has not got is gone. */
  private forget(): void {
    this.doc.destroy();
    this.doc = new Y.Doc();
    this.unacknowledged.clear();
    this.notes = [];
  }

  // ---- writing

  private writeMore(): void {
    const inFlight = (): number =>
      [...this.unacknowledged].filter(({ round }) => round === this.round).length;
    while (inFlight() < writesInFlight) this.write();
  }

  private write(): void {
    const { chance } = this;
    const note = this.notes.length > 10 && chance.oneIn(10) ? this.notes.shift() : undefined;
    if (note) {
      this.delete(note.key, note.at);
      return;
    }
    const marks = this.marks();
    const parts: Part[] = chance.oneIn(2) || !marks ? [this.randomNote()] : [this.randomMark()];
    if (chance.oneIn(3)) parts.push(randomObject(chance, this.project, undefined));
    const client = this.doc.clientID;
    const clock = Y.getState(this.doc.store, client);
    const write = this.ledger.begin('yjs', parts);
    this.doc.transact(() => {
      for (const part of parts) this.set(part, marks);
    });
    const length = Y.getState(this.doc.store, client) - clock;
    const needs = { of: 'structs', client, clock, length } as const;
    this.unacknowledged.add({ write, round: this.round, needs });
  }

  private delete(key: string, at: Span): void {
    const write = this.ledger.begin('yjs', [{ type: 'no-note', project: this.project, key }]);
    this.doc.getMap('notes').delete(key);
    this.unacknowledged.add({ write, round: this.round, needs: { ...at, of: 'deletions' } });
  }

  private set(part: Part, marks: Y.Map<unknown> | undefined): void {
    switch (part.type) {
      case 'note':
        this.doc.getMap('notes').set(part.key, part.value);
        return;
      case 'object':
        this.doc.getMap(rootOf[part.kind]).set(part.versionUuid, part.fields);
        return;
      case 'mark':
        if (!marks?.has(part.bucket)) marks?.set(part.bucket, new Y.Map());
        (marks?.get(part.bucket) as Y.Map<unknown>).set(part.key, part.value);
        return;
      case 'sample':
      case 'no-note':
        throw new Error(`a Yjs client does not set a ${part.type}`);
    }
  }

  /** `udt.marks`, once this client has it. */
  private marks(): Y.Map<unknown> | undefined {
    const marks = this.connection?.isSynced === true ? this.doc.getMap('udt').get('marks') : undefined;
    return marks instanceof Y.Map ? marks : undefined;
  }

  private randomNote(): Part {
    const key = `${this.name}-${++this.count}`;
    return { type: 'note', project: this.project, key, value: this.chance.uuid() };
  }

  /** In a bucket that only this document sets: of two that set one at the same time, one would win. */
  private randomMark(): Part {
    const bucket = `${this.name}-${this.round}`;
    const key = `k${++this.count}`;
    return { type: 'mark', project: this.project, bucket, key, value: this.chance.uuid() };
  }

  // ---- hearing

  private hear(message: YjsMessage): void {
    switch (message.type) {
      case 'step-1':
        this.hearWhatIsThere(Y.decodeStateVector(message.stateVector));
        return;
      case 'step-2':
      case 'update': {
        const shown = spansOf(message.update);
        for (const { client, clock, length } of shown.structs)
          this.ledger.sawClock(this.project, client, clock + length);
        if (message.type === 'update') this.acknowledge(shown);
        return;
      }
      case 'awareness':
      case 'query-awareness':
    }
  }

  /** On a new connection: what the server has of this document is shown, and so as good as acknowledged. */
  private hearWhatIsThere(clocks: ReadonlyMap<number, number>): void {
    for (const [client, clock] of clocks) this.ledger.sawClock(this.project, client, clock);
    const structs = [...clocks].map(([client, length]) => ({ client, clock: 0, length }));
    this.acknowledge({ structs, deletions: [] });
    // Of a deletion it doesn't say. The echo that was due may have gone to the connection before.
    for (const waiting of this.unacknowledged)
      if (waiting.needs.of === 'deletions') this.unacknowledged.delete(waiting);
  }

  private acknowledge(echo: Record<'structs' | 'deletions', readonly Span[]>): void {
    for (const waiting of this.unacknowledged) {
      const { needs, write } = waiting;
      if (!echo[needs.of].some((span) => covers(span, needs))) continue;
      write.acknowledged = true;
      this.unacknowledged.delete(waiting);
      const [first, second] = write.parts;
      if (first?.type === 'note' && !second) this.notes.push({ key: first.key, at: needs });
    }
    if (this.connection?.isSynced === true) this.writeMore();
  }
}

const rootOf = { entry: 'entries', thread: 'threads', comment: 'comments' } as const;

function spansOf(update: Uint8Array): Record<'structs' | 'deletions', readonly Span[]> {
  const { structs, ds } = Y.decodeUpdate(update);
  return {
    structs: joined(
      structs
        .filter((struct) => !(struct instanceof Y.Skip))
        .map(({ id, length }) => ({ client: id.client, clock: id.clock, length })),
    ),
    deletions: [...ds.clients].flatMap(([client, items]) =>
      items.map(({ clock, len }) => ({ client, clock, length: len })),
    ),
  };
}

/** Of spans in order: those that follow each other are one. A transaction may be several structs. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last?.client === span.client && last.clock + last.length === span.clock)
      result.splice(-1, 1, { ...last, length: last.length + span.length });
    else result.push(span);
  }
  return result;
}

function covers(span: Span, needs: Span): boolean {
  const end = span.clock + span.length;
  return span.client === needs.client && span.clock <= needs.clock && end >= needs.clock + needs.length;
}
