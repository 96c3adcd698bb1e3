// The Yjs clients of one project: what becomes durable is told to all of them, and so is who is here.

import * as Y from 'yjs';
import { RejoinError } from '../errors.ts';
import type { Project } from '../core/project.ts';
import type { Projects } from '../core/projects.ts';
import { writeAwareness, writeUpdate } from '../wire/yjs.ts';
import type { Outgoing } from './outgoing.ts';
import { Presence } from './presence.ts';
import type { Intake } from './sockets.ts';
import { Step2 } from './step-2.ts';
import { YjsConnection, type YjsConnectionContext } from './yjs-connection.ts';

export class YjsRoom {
  private readonly connections = new Set<YjsConnection>();
  private readonly presence = new Presence<YjsConnection>((update) => {
    const frame = writeAwareness(update);
    for (const { reader } of this.connections) reader.tellAwareness(frame);
  });
  private readonly step2 = new Step2();
  private readonly stopListening: () => void;

  private constructor(
    private readonly project: Project,
    private readonly release: () => void,
    private readonly services: Pick<YjsConnectionContext, 'environment' | 'log'>,
  ) {
    this.stopListening = project.listen({
      durable: ({ changes, update }) => {
        if (!update) return;
        const told = { frame: writeUpdate(update), position: changes.at(-1)?.position ?? null };
        for (const { reader } of this.connections) reader.tellUpdate(told);
      },
      reset: () => this.closeAll(new RejoinError('outcome-unknown', 'the store failed: come back')),
      replaced: () =>
        this.closeAll(new RejoinError('unavailable', 'much has come from another server: come back')),
      deleted: () => this.closeAll(new RejoinError('deleted', 'the project was deleted')),
    });
  }

  /** @throws RejoinError when the project can't be opened. */
  static async open(projectId: string, projects: Projects, services: YjsRoom['services']): Promise<YjsRoom> {
    const { project, release } = await projects.acquire(projectId);
    return new YjsRoom(project, release, services);
  }

  /**
   * Lets a client in once the document is loaded (YJS-4), and tells it everything from then on.
   * @param counts whether it is told how many of its messages are durable (YJS-7).
   */
  async join(outgoing: Outgoing, intake: Intake, counts: boolean): Promise<void> {
    const { project, presence, step2 } = this;
    const stateVector = await project.encode((doc) => Y.encodeStateVector(doc));
    if (!outgoing.isOpen) return;
    const context = { project, presence, step2, counts, ...this.services };
    const connection = new YjsConnection(outgoing, intake, context);
    this.connections.add(connection);
    outgoing.socket.on('close', () => {
      this.connections.delete(connection);
      presence.leave(connection);
    });
    connection.greet(stateVector);
  }

  /** YJS-3: a frame that says nothing. */
  keepAlive(frame: Uint8Array): void {
    for (const { reader } of this.connections) reader.keepAlive(frame);
  }

  end(): void {
    this.stopListening();
    this.presence.end();
    this.release();
  }

  private closeAll(error: RejoinError): void {
    for (const connection of this.connections) connection.closeFor(error);
  }
}
