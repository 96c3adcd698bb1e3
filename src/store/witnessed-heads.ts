// What the witness of the heads knows of a project: how far its log was durable. The log compares itself with it when it
// is opened.

export interface WitnessedHeads {
  /** The last position that was durable. */
  readonly position: number;
  /** The server id under which this server wrote then, and its highest durable seqno. */
  readonly serverId: number;
  readonly seqno: number;
}

/** Kept apart from the log, written behind it, never relied on for more than finding damage. */
export interface HeadsWitness {
  heads(project: string): Promise<WitnessedHeads | undefined>;
  /** The projects that anything is known of. What can't be read is left out. */
  projects(): AsyncIterable<string>;
  /** These heads are durable. Never throws. */
  note(project: string, heads: WitnessedHeads): void;
}
