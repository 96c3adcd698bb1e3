// The connection of a client of the simulation to a server: what goes over it arrives in order and late, until it breaks. The
// clients call the core's own interface over it, as the adapters do.

import type { Projects } from '../../src/core/projects.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import type { SimClock } from './sim-clock.ts';
import type { ServerRun, SimServer } from './sim-server.ts';

const delayMsMax = 12;

/** The connection broke before the answer came: whether it was done is not known. */
export class Cut extends Error {}

export class SimConnection {
  isOpen = true;
  private readonly unanswered = new Set<(error: Cut) => void>();
  private readonly endings: (() => void)[] = [];
  private upMs = 0;
  private downMs = 0;

  /** @param onCut is called when it breaks, not when the client closes it. */
  constructor(
    readonly server: SimServer,
    private readonly run: ServerRun,
    private readonly clock: SimClock,
    private readonly chance: Chance,
    private readonly onCut: () => void,
  ) {}

  get projects(): Projects {
    return this.run.projects;
  }

  /** Has something happen at the server, behind what was sent before. */
  up(arrive: () => void): void {
    this.upMs = this.later(this.upMs);
    this.clock.after(this.upMs - this.clock.nowMs, () => {
      if (this.isOpen && !this.run.isOver) arrive();
    });
  }

  /** Has something happen at the client, behind what was sent before. */
  down(arrive: () => void): void {
    if (!this.isOpen || this.run.isOver) return;
    this.downMs = this.later(this.downMs);
    this.clock.after(this.downMs - this.clock.nowMs, () => {
      if (this.isOpen) arrive();
    });
  }

  /** Asks the server and waits for the answer. @throws Cut, and what the server throws. */
  call<T>(serve: (projects: Projects) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.isOpen) {
        reject(new Cut());
        return;
      }
      this.unanswered.add(reject);
      const answer = (give: () => void): void =>
        this.down(() => {
          this.unanswered.delete(reject);
          give();
        });
      this.up(() => {
        serve(this.projects).then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      });
    });
  }

  /** What the server does for this connection alone ends with it. */
  onEnd(end: () => void): void {
    if (this.isOpen) this.endings.push(end);
    else end();
  }

  /** The client closes it, or it breaks. */
  end(isCut: boolean): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const end of this.endings) end();
    const unanswered = [...this.unanswered];
    this.unanswered.clear();
    for (const reject of unanswered) reject(new Cut());
    if (isCut) this.onCut();
  }

  private later(busyMs: number): number {
    return Math.max(busyMs, this.clock.nowMs + this.chance.integer(1, delayMsMax));
  }
}
