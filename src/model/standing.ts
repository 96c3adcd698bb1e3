// What one server has of one project, as it tells others: shared by the core and the wire of replication.

/** What one server has of one project. */
export interface Standing {
  /** How often the project was deleted and brought back: odd while it is deleted, 0 for one that never was (REP-14). */
  readonly lifecycle: number;
  /** When it was deleted last, by the clock of the server that did it; 0 if it never was. Milliseconds since 1970. */
  readonly deletedMs: number;
  /**
   * What is durable, in the order of the server ids. Of a deleted project: the highest numbers that the server knows to have
   * been given; the checksum is zeros where it doesn't have that change.
   */
  readonly heads: readonly Head[];
}

/** The newest change of one server id. */
export interface Head {
  readonly serverId: number;
  readonly seqno: number;
  /** The checksum in that change's record (8 bytes): two records of one number would differ in it. */
  readonly checksum: Uint8Array;
}
