// Which session a log has, and whether it is whole: one that was made in slices may have come only in part. It goes by the records
// alone, for recall-entry.ts, where nothing else is left that says so.

import type { VersionVector } from '../model/version-vector.ts';
import type { ProjectInfo } from '../store/project-info.ts';
import type { LogRecord } from '../store/record.ts';

type Session = NonNullable<ProjectInfo['session']>;

/** The parts of a session that one server has made. */
interface Parts {
  readonly session: Session;
  lastSeqno: number;
  isSliced: boolean;
  /** Its end was passed: a server writes nothing else before. */
  hasEnded: boolean;
}

export class LoggedSessions {
  private readonly parts = new Map<number, Parts>();
  private hasOthers = false;

  /** @param record the next of the log; null if it is damaged. */
  add(record: LogRecord | null): void {
    if (!record) {
      this.hasOthers = true;
      return;
    }
    const { serverId, seqno, kind, origin } = record;
    const isPart = kind === 'session' || kind === 'slice';
    const parts = this.parts.get(serverId);
    if (!isPart) this.hasOthers = true;
    if (parts && isPart) Object.assign(parts, { lastSeqno: seqno, isSliced: true });
    else if (parts) parts.hasEnded = true;
    else if (isPart || kind === 'closing') {
      const session = { serverId, user: origin.user };
      const isSliced = kind !== 'session';
      this.parts.set(serverId, { session, lastSeqno: seqno, isSliced, hasEnded: !isPart });
    }
  }

  /** The first that there is anything of. */
  get first(): Session | null {
    const [parts] = this.parts.values();
    return parts?.session ?? null;
  }

  /**
   * @param heads the highest seqnos that were given, also of what is lost.
   * @returns the first session that is whole, and whether there is nothing but parts of one that isn't, by `serverId`.
   */
  in(heads: VersionVector): { whole: Session | null; hasOnlyParts: boolean; serverId: number } {
    const isWhole = ({ session, lastSeqno, isSliced, hasEnded }: Parts): boolean =>
      hasEnded || !isSliced || (heads.get(session.serverId) ?? 0) > lastSeqno;
    const all = [...this.parts.values()];
    const whole = all.find(isWhole)?.session ?? null;
    const hasOnlyParts = !this.hasOthers && all.length === 1 && whole === null;
    return { whole, hasOnlyParts, serverId: this.first?.serverId ?? 0 };
  }
}
