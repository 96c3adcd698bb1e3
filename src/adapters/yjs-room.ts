// The Yjs clients of one project: what becomes durable is told to all of them, and so is who is here.

import type { WebSocket } from 'ws';
import * as Y from 'yjs';
import { RejoinError } from '../errors.ts';
import type { Project } from '../core/project.ts';
import type { Projects } from '../core/projects.ts';
import { writeAwareness, writeUpdate } from '../wire/yjs.ts';
import { Presence } from './presence.ts';
import type { Intake } from './sockets.ts';
import { YjsConnection, type YjsConnectionContext } from './yjs-connection.ts';

export class YjsRoom {
  private readonly connections = new Set<YjsConnection>();
  private readonly presence = new Presence<YjsConnection>((update) => this.tell(writeAwareness(update)));
  private readonly stopListening: () => void;

  private constructor(
    private readonly project: Project,
    private readonly release: () => void,
    private readonly services: Pick<YjsConnectionContext, 'environment' | 'log'>,
  ) {
    this.stopListening = project.listen({
      durable: ({ update }) => this.tell(writeUpdate(update)),
      reset: () => this.closeAll(new RejoinError('outcome-unknown', 'the store failed: come back')),
      deleted: () => this.closeAll(new RejoinError('deleted', 'the project was deleted')),
    });
  }

  /** @throws RejoinError when the project can't be opened. */
  static async open(projectId: string, projects: Projects, services: YjsRoom['services']): Promise<YjsRoom> {
    const { project, release } = await projects.acquire(projectId);
    return new YjsRoom(project, release, services);
  }

  /** Lets a client in once the document is loaded (YJS-4), and tells it everything from then on. */
  async join(socket: WebSocket, intake: Intake): Promise<void> {
    const { project, presence } = this;
    const stateVector = await project.encode((doc) => Y.encodeStateVector(doc));
    if (socket.readyState !== socket.OPEN) return;
    const connection = new YjsConnection(socket, intake, { project, presence, ...this.services });
    this.connections.add(connection);
    socket.on('close', () => {
      this.connections.delete(connection);
      presence.leave(connection);
    });
    connection.greet(stateVector);
  }

  tell(frame: Uint8Array): void {
    for (const connection of this.connections) connection.send(frame);
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
