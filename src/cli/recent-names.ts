// The names of the things that were seen last, so many that a stream of any length can be followed. `rejoin tail` has some.

const namesMax = 10_000;

export class RecentNames {
  /** The one that was named longest ago first. */
  private readonly names = new Map<string, string>();

  get(id: string): string | undefined {
    return this.names.get(id);
  }

  set(id: string, name: string): void {
    this.names.delete(id);
    this.names.set(id, name);
    if (this.names.size <= namesMax) return;
    const [[oldest] = []] = this.names;
    if (oldest !== undefined) this.names.delete(oldest);
  }
}
