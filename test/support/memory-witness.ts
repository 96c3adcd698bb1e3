// A witness of the heads (REP-8) in memory, that tests look into.

import type { HeadsWitness, WitnessedHeads } from '../../src/store/witnessed-heads.ts';

export class MemoryWitness implements HeadsWitness {
  /** By project. */
  readonly known = new Map<string, WitnessedHeads>();

  heads(project: string): Promise<WitnessedHeads | undefined> {
    return Promise.resolve(this.known.get(project));
  }

  async *projects(): AsyncGenerator<string> {
    await Promise.resolve();
    yield* this.known.keys();
  }

  note(project: string, heads: WitnessedHeads): void {
    this.known.set(project, heads);
  }
}
