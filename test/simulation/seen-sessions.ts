// The sessions of a simulation that are made in slices, as the ledger has seen their records: whether all of one is in a log.

import type { SeenRecord } from './log-reader.ts';

type Kind = SeenRecord['kind'];

export class SeenSessions {
  /** The name of a change → its kind, if it is a part of a session. */
  private readonly kinds = new Map<string, Kind>();

  see(name: string, kind: Kind): void {
    if (kind === 'other') this.kinds.delete(name);
    else this.kinds.set(name, kind);
  }

  /** How many were seen that have more parts than one. */
  get count(): number {
    return [...this.kinds.values()].filter((kind) => kind === 'closing').length;
  }

  /** Whether there is all of a session among these changes of a project. */
  hasWhole(names: readonly string[]): boolean {
    return names.some((name) => {
      const kind = this.kinds.get(name);
      return kind === 'closing' || (kind === 'session' && !this.goesOn(name));
    });
  }

  /** Whether all of these are parts of a session whose end isn't among them. */
  hasOnlyParts(names: readonly string[]): boolean {
    return names.every((name) => {
      const kind = this.kinds.get(name);
      return kind === 'slice' || (kind === 'session' && this.goesOn(name));
    });
  }

  /** A slice of the same server follows. */
  private goesOn(session: string): boolean {
    const [project, serverId, seqno] = session.split('/');
    const kind = this.kinds.get(`${project ?? ''}/${serverId ?? ''}/${Number(seqno) + 1}`);
    return kind === 'slice' || kind === 'closing';
  }
}
