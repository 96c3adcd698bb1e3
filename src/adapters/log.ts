// What adapters report of their clients: refusals, which are the client's matter, and defects, which are ours.

import type { RejoinError } from '../errors.ts';

export type Wire = 'stream' | 'udt' | 'yjs' | 'rest' | 'replicate' | 'http';

export interface AdapterLog {
  /** A client's message or request was refused with this error. */
  refused(wire: Wire, error: RejoinError): void;
  /** Something was thrown that is no RejoinError. */
  defect(wire: Wire, error: unknown): void;
}
