// One socket of a connection, from its opening to its end. `Connection` makes a new one whenever the last was cut.

import type { ClientEnvironment } from './client-environment.ts';
import { Liveness } from './liveness.ts';
import type { ClientSocket } from './socket.ts';

const openWithinMs = 15_000;
const leaveWithinMs = 1_000;

export interface LiveSocketEvents {
  isHeld(): boolean;
  opened(): void;
  heard(data: unknown): void;
  /** @param usedMs how long it was open; null if nothing was heard on it. */
  closed(problem: string, usedMs: number | null): void;
}

/** Tells of the end once, whatever the socket does after. */
export class LiveSocket {
  isOpen = false;
  private openedMs = 0;
  private wasHeard = false;
  private isOver = false;
  private problem: string | null = null;
  private liveness: Liveness | null = null;
  private readonly cancelLate: () => void;

  constructor(
    readonly socket: ClientSocket,
    private readonly environment: ClientEnvironment,
    private readonly events: LiveSocketEvents,
  ) {
    this.cancelLate = environment.after(openWithinMs, () => this.drop('the server did not answer'));
    socket.addEventListener('open', () => this.open());
    socket.addEventListener('message', ({ data }) => this.hear(data));
    socket.addEventListener('error', (event?: { readonly message?: unknown }) => {
      if (typeof event?.message === 'string' && event.message !== '') this.problem = event.message;
    });
    socket.addEventListener('close', ({ code }) => this.over(this.problem ?? `it was closed with ${code}`));
  }

  /** Ends it without waiting for the other side, which may be out of reach. */
  drop(problem = 'it was closed'): void {
    this.over(problem);
    this.socket.resume?.(); // one that is paused would not hear its end
    if (this.socket.terminate) this.socket.terminate();
    else this.socket.close();
  }

  /** Ends it in good order, within a moment. */
  leave(): void {
    this.over('it was closed');
    this.socket.resume?.();
    const cancel = this.environment.after(leaveWithinMs, () => this.socket.terminate?.());
    this.socket.addEventListener('close', cancel);
    this.socket.close(1000);
  }

  suspect(): void {
    this.liveness?.suspect();
  }

  private open(): void {
    if (this.isOver) return;
    this.cancelLate();
    this.isOpen = true;
    this.openedMs = this.environment.now();
    this.liveness = new Liveness(
      this.socket,
      this.environment,
      () => this.events.isHeld(),
      () => this.drop('the server stopped answering'),
    );
    this.events.opened();
  }

  private hear(data: unknown): void {
    if (this.isOver) return;
    this.wasHeard = true;
    this.liveness?.heard();
    this.events.heard(data);
  }

  private over(problem: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isOpen = false;
    this.cancelLate();
    this.liveness?.stop();
    this.events.closed(problem, this.wasHeard ? this.environment.now() - this.openedMs : null);
  }
}
