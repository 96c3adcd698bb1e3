// Where a change came from. It travels through the core with the change, is stored with its record and names the
// author in UDT's change log.

export type Protocol = 'stream' | 'udt' | 'yjs' | 'server';

export interface Origin {
  readonly protocol: Protocol;
  /** The author's name, or "anonymous". At most `userNameUnitsMax` UTF-16 units. */
  readonly user: string;
}

export const anonymous = 'anonymous';

export const userNameUnitsMax = 256;
