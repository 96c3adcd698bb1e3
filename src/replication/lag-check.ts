// When the lag of a link is counted anew: what is lacking of a project may come from elsewhere, and is no lag any more. incoming-streams.ts
// says of which projects, and counts.

import type { LinkTimers } from './link-transport.ts';

/** So often at most. */
const checkMs = 1_000;

export class LagCheck {
  /** The projects in which something has become durable. */
  private readonly moved = new Set<string>();
  private cancel: (() => void) | null = null;

  /** @param count counts the lag of a project. */
  constructor(
    private readonly timers: LinkTimers,
    private readonly count: (project: string) => void,
  ) {}

  /** Something of a project that has a lag has become durable, wherever it came from. */
  noteMoved(project: string): void {
    this.moved.add(project);
    this.cancel ??= this.timers.after(checkMs, () => {
      this.cancel = null;
      const moved = [...this.moved];
      this.moved.clear();
      for (const each of moved) this.count(each);
    });
  }

  end(): void {
    this.cancel?.();
  }
}
