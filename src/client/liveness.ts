// Finds out that a connection is dead although nothing says so: a network that is gone, a laptop that slept. Pages can't
// send WebSocket pings, so a silent server is asked to close a stream that doesn't exist, which it answers (WS-8).

import type { ClientEnvironment } from './client-environment.ts';
import type { ClientSocket } from './socket.ts';

const lookIntervalMs = 10_000;
/** Servers say nothing while nothing happens; a probe each half minute is what they spend on pings themselves. */
const silentMs = 25_000;
const answerWithinMs = 20_000;
const answerSoonMs = 8_000;

const probe = JSON.stringify({ type: 'close', mux_id: 'probe' });

export class Liveness {
  private heardMs: number;
  private deadlineMs: number | null = null;
  private unsentBytes = 0;
  private cancel: () => void = () => undefined;

  /** @param isHeld whether the socket isn't being read, so that no answer could be heard. */
  constructor(
    private readonly socket: ClientSocket,
    private readonly environment: ClientEnvironment,
    private readonly isHeld: () => boolean,
    private readonly onDead: () => void,
  ) {
    this.heardMs = environment.now();
    this.lookAfter(lookIntervalMs);
  }

  /** Something was received. */
  heard(): void {
    this.heardMs = this.environment.now();
    this.deadlineMs = null;
  }

  /** The network has changed: asks at once. */
  suspect(): void {
    this.ask(answerSoonMs);
    this.cancel();
    this.lookAfter(answerSoonMs);
  }

  stop(): void {
    this.cancel();
  }

  private lookAfter(delayMs: number): void {
    this.cancel = this.environment.after(delayMs, () => this.look());
  }

  private look(): void {
    const nowMs = this.environment.now();
    const isSending = this.socket.bufferedAmount < this.unsentBytes;
    this.unsentBytes = this.socket.bufferedAmount;
    if (this.isHeld() || isSending) this.heard();
    else if (this.deadlineMs !== null && nowMs >= this.deadlineMs) {
      this.onDead();
      return;
    } else if (this.deadlineMs === null && nowMs - this.heardMs >= silentMs) this.ask(answerWithinMs);
    this.lookAfter(lookIntervalMs);
  }

  private ask(withinMs: number): void {
    this.deadlineMs = this.environment.now() + withinMs;
    this.socket.send(probe);
  }
}
