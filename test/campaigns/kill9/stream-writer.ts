// A crew's report tool: uploads objects over `/ws`, and sends again what was not answered, with the same uuids.

import type { WebSocket } from 'ws';
import type { Chance } from './chance.ts';
import { refusedPauseMs, type Ledger, type Write } from './ledger.ts';
import { randomObject, type ObjectPart } from './random-object.ts';
import { openStreamSocket, untilClosed, type StreamFrame } from './stream-socket.ts';
import type { Address, Writer } from './writer.ts';

const uploadsInFlight = 8;

interface Upload {
  readonly write: Write;
  readonly objects: readonly ObjectPart[];
}

export class StreamWriter implements Writer {
  private readonly unanswered = new Map<string, Upload>();
  private socket: WebSocket | null = null;
  private opening: Promise<void> = Promise.resolve();
  private count = 0;
  private latest: ObjectPart | undefined;

  constructor(
    private readonly projects: readonly [string, ...string[]],
    private readonly ledger: Ledger,
    private readonly chance: Chance,
  ) {}

  start({ socketUrl }: Address): Promise<void> {
    const open = async (): Promise<void> => {
      this.socket = await openStreamSocket(socketUrl, (frame) => this.hear(frame));
      for (const [muxId, upload] of this.unanswered) this.send(muxId, upload);
      this.writeMore();
    };
    this.opening = open().catch(() => undefined); // killed before it was open
    return this.opening;
  }

  async stop(): Promise<void> {
    await this.opening;
    if (this.socket) await untilClosed(this.socket);
    this.socket = null;
  }

  private hear(frame: StreamFrame): void {
    const upload = 'muxId' in frame ? this.unanswered.get(frame.muxId) : undefined;
    if (frame.type === 'error' && upload && this.ledger.sawRefusal(codeOf(frame.text))) {
      setTimeout(() => this.send(frame.muxId, upload), refusedPauseMs);
      return;
    }
    if (frame.type !== 'uploaded' || !upload) {
      this.ledger.report('rule', `an upload was answered with ${JSON.stringify(frame)}`);
      return;
    }
    upload.write.acknowledged = true;
    // As if the answer had not arrived: what is stored is sent once more, and must not be stored again (WS-13).
    if (this.chance.oneIn(20)) this.send(frame.muxId, upload);
    else this.unanswered.delete(frame.muxId);
    this.writeMore();
  }

  private writeMore(): void {
    while (this.unanswered.size < uploadsInFlight) {
      const objects = this.randomObjects();
      const upload = { objects, write: this.ledger.begin('stream', objects) };
      const muxId = `upload ${++this.count}`;
      this.unanswered.set(muxId, upload);
      this.send(muxId, upload);
    }
  }

  /** One to five; of a quarter of the uploads they belong to two projects. */
  private randomObjects(): ObjectPart[] {
    const { chance } = this;
    const project = chance.pick(this.projects);
    const other = chance.oneIn(4) ? chance.pick(this.projects) : project;
    return Array.from({ length: chance.integer(1, 5) }, (_, i) => {
      this.latest = randomObject(chance, i % 2 === 0 ? project : other, this.latest);
      return this.latest;
    });
  }

  private send(muxId: string, { objects }: Upload): void {
    const sent = objects.map(({ kind, project, fields }) => ({
      type: `new${kind}`,
      project_id: project,
      ...fields,
    }));
    this.socket?.send(JSON.stringify({ type: 'upload', mux_id: muxId, objects: sent }), () => undefined);
  }
}

function codeOf(error: string): string {
  return (JSON.parse(error) as { code: string }).code;
}
