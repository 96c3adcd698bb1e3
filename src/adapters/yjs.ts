// The adapter of `/yjs/<project>`: opens a room for the first client of a project and closes it behind the last.

import type { WebSocket } from 'ws';
import { RejoinError, messageOf } from '../errors.ts';
import type { Projects } from '../core/projects.ts';
import type { Environment } from '../model/environment.ts';
import type { YjsTarget } from '../wire/yjs-path.ts';
import { writeAwareness } from '../wire/yjs.ts';
import type { AdapterLog } from './log.ts';
import { Outgoing } from './outgoing.ts';
import { noAwareness } from './presence.ts';
import { Intake, closeWith } from './sockets.ts';
import { closeCodeOf } from './yjs-close-codes.ts';
import { YjsRoom } from './yjs-room.ts';

/** A larger frame closes the connection with 1009. */
export const yjsFrameBytesMax = 64 * 1024 * 1024;

/** YJS-3: a provider gives up a socket that brings no message for 30 s, and wants one every 15 s. */
const keepAliveIntervalMs = 10_000;

interface Entered {
  readonly room: Promise<YjsRoom>;
  clients: number;
}

export class YjsAdapter {
  private readonly rooms = new Map<string, Entered>();
  private readonly timer = setInterval(() => void this.keepAlive(), keepAliveIntervalMs);

  constructor(
    private readonly projects: Projects,
    private readonly services: { readonly environment: Environment; readonly log: AdapterLog },
  ) {}

  /** Serves a socket until it closes. */
  async accept(socket: WebSocket, { project: projectId, counts }: YjsTarget): Promise<void> {
    const outgoing = new Outgoing(socket);
    const intake = new Intake(outgoing);
    intake.isLoading = true; // YJS-4: what arrives before the project is loaded waits in the network
    const entered = this.enter(projectId);
    let hasLeft = false;
    const leave = (): void => {
      if (!hasLeft) void this.leave(projectId, entered);
      hasLeft = true;
    };
    socket.on('close', leave);
    try {
      const room = await entered.room;
      if (outgoing.isOpen) await room.join(outgoing, intake, counts);
    } catch (error) {
      if (error instanceof RejoinError) this.services.log.refused('yjs', error);
      else this.services.log.defect('yjs', error);
      closeWith(socket, closeCodeOf(error), messageOf(error));
    } finally {
      intake.isLoading = false;
    }
  }

  end(): void {
    clearInterval(this.timer);
  }

  private enter(projectId: string): Entered {
    let entered = this.rooms.get(projectId);
    if (!entered) {
      const opening = { room: YjsRoom.open(projectId, this.projects, this.services), clients: 0 };
      opening.room.catch(() => this.forget(projectId, opening)); // who comes next tries again
      this.rooms.set(projectId, opening);
      entered = opening;
    }
    entered.clients++;
    return entered;
  }

  private async leave(projectId: string, entered: Entered): Promise<void> {
    entered.clients--;
    if (entered.clients > 0) return;
    this.forget(projectId, entered);
    const room = await entered.room.catch(() => undefined); // then there is nothing to end
    room?.end();
  }

  /** The next client opens a room of its own. */
  private forget(projectId: string, entered: Entered): void {
    if (this.rooms.get(projectId) === entered) this.rooms.delete(projectId);
  }

  private async keepAlive(): Promise<void> {
    const frame = writeAwareness(noAwareness);
    const rooms = await Promise.allSettled([...this.rooms.values()].map(({ room }) => room));
    for (const room of rooms) if (room.status === 'fulfilled') room.value.keepAlive(frame);
  }
}
