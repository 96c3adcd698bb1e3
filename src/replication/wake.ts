// Lets the loops of a link wait until something may have changed: they look again after each wake.

export class Wake {
  private readonly waiting = new Set<() => void>();

  /** Resolves at the next wake. */
  next(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  wake(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
