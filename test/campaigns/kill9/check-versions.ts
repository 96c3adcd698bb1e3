// Holds the version records of a project against its log: each change of `udt` has made one version, each version that
// changed something was made by one, and the rest are what UDT-3 and UDT-8 say there may be beside them.

import { messageOf } from '../../../src/errors.ts';
import { unsealVersionRecord, type VersionRecord } from '../../../src/core/version-record.ts';
import { readLastNumber } from '../../../src/store/read-key.ts';
import type { ProjectLog } from '../../../src/store/project-log.ts';
import type { Entry, Store } from '../../../src/store/store.ts';
import type { Ledger } from './ledger.ts';

/** What the log says of `udt`. */
export interface LoggedUdt {
  /** Its records of the kind `udt`. */
  readonly changes: number;
  /** Whether it begins as a session does. */
  readonly isSession: boolean;
}

/** All versions must be kept still. */
export async function checkVersions(
  store: Store,
  log: ProjectLog,
  logged: LoggedUdt,
  ledger: Ledger,
): Promise<void> {
  const report = (type: 'hole' | 'lost' | 'rule', what: string): void =>
    ledger.report(type, `${log.project}: ${what}`);
  let due = logged.isSession ? 0 : 1;
  let changes = 0;
  let hash: number | null = null;
  for await (const page of store.scan(log.keys.allVersions())) {
    for (const entry of page) {
      const n = readLastNumber(entry.key);
      if (n !== due) report('hole', `version record ${n} where ${due} is due`);
      due = n + 1;
      const record = unsealed(entry, (problem) => report('lost', `version record ${n}: ${problem}`));
      if (!record) continue;
      if (record.version % 2 ** 32 !== n) report('rule', `version record ${n} is of ${record.version}`);
      if (record.edits?.length !== 0) changes++;
      const problem = problemOf(record, hash);
      if (problem !== null) report('rule', `version ${n} ${problem}`);
      ({ hash } = record);
    }
  }
  if (logged.isSession && due === 0) report('lost', 'a session without the record of its first version');
  if (changes !== logged.changes)
    report(
      changes < logged.changes ? 'lost' : 'rule',
      `${logged.changes} changes of udt, ${changes} versions of them`,
    );
}

/** @param hash of the version before; null if that isn't kept. */
function problemOf(
  { version, patch, edits, isRefresh, protocol, ...record }: VersionRecord,
  hash: number | null,
) {
  const isSame = hash === null || record.hash === hash;
  if (!patch || !edits) return null; // too large to be kept
  if (version === 0) return isWhole(patch) && edits.length === 0 ? null : 'is no beginning';
  if (isRefresh)
    return edits.length > 0 || patch.length === 0 || protocol !== 'server' || !isSame
      ? 'is no refresh'
      : null;
  if (edits.length > 0) return patch.length === 0 ? 'has edits and no patch' : null;
  return patch.length > 0 || !isSame ? 'changes something without edits' : null; // a PATCH that did nothing
}

function unsealed({ key, value }: Entry, onProblem: (problem: string) => void): VersionRecord | null {
  try {
    return unsealVersionRecord(key, value);
  } catch (error) {
    onProblem(messageOf(error));
    return null;
  }
}

/** WS-23: what a session began with. */
function isWhole(patch: NonNullable<VersionRecord['patch']>): boolean {
  const [only, ...more] = patch;
  return more.length === 0 && only?.op === 'replace' && only.path === '';
}
