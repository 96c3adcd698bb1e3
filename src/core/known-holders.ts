// Which reports and topics this process knows to be in the store's index of holders, and who waits for one to come to life.
// Every project's log tells it what became durable; Projects hands it down.

import type { Match } from '../model/selection.ts';
import { isHeld, writeHolder, type HeldMatch } from '../store/holders.ts';
import type { Write } from '../store/store.ts';

/** So many are remembered. One that isn't is written again, which changes nothing. */
const knownMax = 20_000;

export class KnownHolders {
  private readonly known = new Set<string>();
  private readonly waiting = new Map<string, Set<() => void>>();

  /**
   * A project is about to get objects with these.
   * @returns what puts new reports and topics into the index, in the batch of the objects; `settle` when it is durable.
   */
  hold(project: string, matches: readonly Match[]): { writes: Write[]; settle: () => void } {
    const fresh = new Map<string, Write>();
    for (const match of matches) {
      if (!isHeld(match)) continue;
      const name = nameOf(match, project);
      if (!this.known.has(name) && !fresh.has(name)) fresh.set(name, writeHolder(match, project));
    }
    const settle = (): void => {
      if (this.known.size >= knownMax) this.known.clear();
      for (const name of fresh.keys()) this.known.add(name);
      if (this.waiting.size > 0) for (const match of matches) if (isHeld(match)) this.wake(match);
    };
    return { writes: [...fresh.values()], settle };
  }

  /** Calls back once, when an object of this report or topic becomes durable in any project. @returns how to take that back. */
  onceKnown(match: HeldMatch, wake: () => void): () => void {
    const name = nameOf(match);
    const waiting = this.waiting.get(name) ?? new Set();
    this.waiting.set(name, waiting.add(wake));
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.waiting.get(name) === waiting) this.waiting.delete(name);
    };
  }

  /** A project is there again, with all that it holds: whoever waits shall look. */
  wakeAll(): void {
    const waiting = [...this.waiting.values()].flatMap((wakes) => [...wakes]);
    this.waiting.clear();
    for (const wake of waiting) wake();
  }

  /** What was written may be lost. */
  clear(): void {
    this.known.clear();
  }

  private wake(match: Match): void {
    const waiting = this.waiting.get(nameOf(match));
    this.waiting.delete(nameOf(match));
    for (const wake of waiting ?? []) wake();
  }
}

function nameOf({ field, value }: Match, project = ''): string {
  return `${field} ${value}\0${project}`; // a project id has no such character
}
